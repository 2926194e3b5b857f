package org.sparktune.core;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Writes a file so that it is either there whole or not at all. */
public final class AtomicFile {

  /** Writes the contents to the path it is given. */
  @FunctionalInterface
  public interface Body {
    /** Writes the file. */
    void write(Path temporary) throws IOException;
  }

  private AtomicFile() {}

  /**
   * Lets {@code body} write a temporary sibling, syncs it and renames it over {@code file}. When
   * anything fails the temporary file is removed and {@code file} is as it was.
   */
  public static void write(Path file, Body body) throws IOException {
    Path absolute = file.toAbsolutePath();
    Files.createDirectories(absolute.getParent());
    Path temporary = absolute.resolveSibling(absolute.getFileName() + ".tmp");
    try {
      Files.deleteIfExists(temporary);
      body.write(temporary);
      try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
        channel.force(true);
      }
      Files.move(
          temporary, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }
}
