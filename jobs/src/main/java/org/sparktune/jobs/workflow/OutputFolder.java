package org.sparktune.jobs.workflow;

import java.io.Closeable;
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
import java.util.Optional;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.storage.Beacon;
import org.sparktune.jobs.storage.Place;

/**
 * The output folder of a run, held by one process at a time. On this machine the lock is the
 * operating system's, so a process that was killed leaves none behind; elsewhere it is a {@link
 * Beacon}.
 */
final class OutputFolder implements AutoCloseable {
  static final String SPEC_FILE = "spec.yaml";
  private static final String LOCK_FILE = ".lock";

  private final Place folder;
  private final Closeable lock;

  private OutputFolder(Place folder, Closeable lock) {
    this.folder = folder;
    this.lock = lock;
  }

  /**
   * Refuses a folder that holds something else than a run of sparktune. Changes nothing, so it can
   * be asked before anything is spent.
   */
  static void requireUsable(Place folder) {
    if (!folder.exists()) {
      return;
    }
    if (!folder.isFolder()) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "The output %s is a file.".formatted(folder),
          "Name a folder with --output.");
    }
    List<String> names = new ArrayList<>(folder.names());
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
  static OutputFolder open(Place folder) {
    requireUsable(folder);
    Optional<Path> local = folder.local();
    if (local.isEmpty()) {
      folder.makeFolder();
      return new OutputFolder(folder, Beacon.light(folder.child(LOCK_FILE)));
    }
    try {
      Files.createDirectories(local.get());
      return new OutputFolder(folder, lock(local.get()));
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
    Place file = folder.child(SPEC_FILE);
    boolean fresh = !file.exists();
    file.write(text);
    return fresh;
  }

  /** Takes the specification away again, so that {@link #close} leaves no empty folder. */
  void deleteSpec() {
    folder.child(SPEC_FILE).delete();
  }

  @Override
  public void close() {
    try {
      lock.close();
    } catch (IOException e) {
      throw new UncheckedIOException("The lock of " + folder + " cannot be released", e);
    }
    if (folder.isFolder() && folder.names().isEmpty()) {
      folder.delete();
    }
  }

  private static Closeable lock(Path folder) throws IOException {
    Path file = folder.resolve(LOCK_FILE);
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock = tryLock(channel);
    if (lock == null) {
      channel.close();
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "Another run is writing to %s.".formatted(folder),
          "Wait for it, or name another folder with --output.");
    }
    return () -> {
      Files.deleteIfExists(file);
      lock.release();
      channel.close();
    };
  }

  private static FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException heldInThisProcess) {
      return null;
    }
  }
}
