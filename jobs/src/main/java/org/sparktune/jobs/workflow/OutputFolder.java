package org.sparktune.jobs.workflow;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.sparktune.core.AtomicFile;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * The output folder of a run, held by one process at a time. The lock is the operating system's, so
 * a process that was killed leaves none behind.
 */
final class OutputFolder implements AutoCloseable {
  static final String SPEC_FILE = "spec.yaml";
  private static final String LOCK_FILE = ".lock";

  private final Path folder;
  private final FileChannel lockChannel;
  private final FileLock lock;

  private OutputFolder(Path folder, FileChannel lockChannel, FileLock lock) {
    this.folder = folder;
    this.lockChannel = lockChannel;
    this.lock = lock;
  }

  /**
   * Refuses a folder that holds something else than a run of sparktune. Changes nothing, so it can
   * be asked before anything is spent.
   */
  static void requireUsable(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    if (!Files.isDirectory(folder)) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "The output %s is a file.".formatted(folder),
          "Name a folder with --output.");
    }
    List<String> names = names(folder);
    names.remove(LOCK_FILE);
    if (!names.isEmpty() && !names.contains(SPEC_FILE)) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "The output folder %s holds other files, such as %s.".formatted(folder, names.get(0)),
          "Name an empty or new folder with --output.");
    }
  }

  /**
   * Creates and locks the folder.
   *
   * @throws SparktuneException {@code OUTPUT} if it holds something else or another process runs in
   *     it
   */
  static OutputFolder open(Path folder) {
    requireUsable(folder);
    try {
      Files.createDirectories(folder);
      FileChannel channel =
          FileChannel.open(
              folder.resolve(LOCK_FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock lock = tryLock(channel);
      if (lock == null) {
        channel.close();
        throw new SparktuneException(
            ErrorCode.OUTPUT,
            "Another run is writing to %s.".formatted(folder),
            "Wait for it, or name another folder with --output.");
      }
      return new OutputFolder(folder, channel, lock);
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "The output folder %s cannot be written (%s).".formatted(folder, e.getMessage()),
          "Name another folder with --output.",
          e);
    }
  }

  /**
   * Writes the specification as it is run.
   *
   * @return whether there was none before
   */
  boolean writeSpec(String text) {
    Path file = folder.resolve(SPEC_FILE);
    boolean fresh = !Files.exists(file);
    writeAtomically(file, text);
    return fresh;
  }

  /** Takes the specification away again, so that {@link #close} leaves no empty folder. */
  void deleteSpec() {
    try {
      Files.deleteIfExists(folder.resolve(SPEC_FILE));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes a file so that it is there completely or not at all. */
  static void writeAtomically(Path file, String text) {
    try {
      AtomicFile.write(file, temporary -> Files.writeString(temporary, text));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    try {
      Files.deleteIfExists(folder.resolve(LOCK_FILE));
      lock.release();
      lockChannel.close();
      if (names(folder).isEmpty()) {
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("The lock of " + folder + " cannot be released", e);
    }
  }

  private static FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException heldInThisProcess) {
      return null;
    }
  }

  private static List<String> names(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return new ArrayList<>(
          entries.map(entry -> entry.getFileName().toString()).sorted().toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
