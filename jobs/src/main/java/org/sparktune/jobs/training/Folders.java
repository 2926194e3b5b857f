package org.sparktune.jobs.training;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.stream.Stream;

/** Folders that appear complete or not at all. */
final class Folders {
  private Folders() {}

  /**
   * An empty folder beside another, to be filled and renamed. Not one of the system's temporary
   * folders: those are for their owner's eyes only, and stay so when they are renamed.
   */
  static Path temporary(Path folder) throws IOException {
    Path temporary = folder.resolveSibling(folder.getFileName() + ".tmp");
    if (Files.exists(temporary)) {
      delete(temporary);
    }
    return Files.createDirectory(temporary);
  }

  /** Puts a finished folder in the place of another or of nothing. */
  static void replace(Path finished, Path folder) throws IOException {
    if (Files.exists(folder)) {
      delete(folder);
    }
    Files.move(finished, folder, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Deletes a folder with all that is in it. */
  static void delete(Path folder) throws IOException {
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
