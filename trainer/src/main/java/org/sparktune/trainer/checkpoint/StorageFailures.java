package org.sparktune.trainer.checkpoint;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Locale;
import org.apache.hadoop.fs.ChecksumException;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.storage.Storage;

/** What an I/O failure means for a checkpoint. */
final class StorageFailures {
  private StorageFailures() {}

  /** Opens a file of a checkpoint. */
  static FSDataInputStream openDamageable(Storage storage, Path file)
      throws IOException, DamagedException {
    try {
      return storage.open(file);
    } catch (IOException e) {
      throw damage(file, e);
    }
  }

  /** The content of a small file of a checkpoint. */
  static String readDamageable(Storage storage, Path file) throws IOException, DamagedException {
    try {
      return storage.read(file);
    } catch (IOException e) {
      throw damage(file, e);
    }
  }

  /** A checkpoint cannot be written. */
  static SparktuneException writing(String checkpoint, IOException cause, String newest) {
    String message = String.valueOf(cause.getMessage());
    boolean full = isFull(message);
    return new SparktuneException(
        full ? ErrorCode.RESOURCES : ErrorCode.OUTPUT,
        "The checkpoint %s cannot be written (%s).".formatted(checkpoint, message),
        "%s and start again: the run goes on from %s."
            .formatted(full ? "Free some space" : "Check the folder and its permissions", newest),
        cause);
  }

  /** Checkpoints cannot be read, and that says nothing about whether they are whole. */
  static SparktuneException reading(String where, IOException cause) {
    return new SparktuneException(
        ErrorCode.OUTPUT,
        "%s cannot be read (%s).".formatted(where, cause.getMessage()),
        "Check the path, its permissions and the file system, and start again: nothing was"
            + " changed.",
        cause);
  }

  /**
   * Tells a damaged file from one that cannot be reached now: falling back from the latter would
   * throw good work away.
   *
   * @return the failure, if it says nothing about the file
   * @throws DamagedException if the file is damaged
   */
  static IOException damage(Path file, IOException failure) throws DamagedException {
    boolean damaged =
        failure instanceof FileNotFoundException
            || failure instanceof EOFException
            || failure instanceof ChecksumException
            || failure.getClass().getSimpleName().equals("BlockMissingException")
            || String.valueOf(failure.getMessage()).contains("Input/output error");
    if (damaged) {
      throw new DamagedException(
          "%s cannot be read (%s)".formatted(file.getName(), failure.getMessage()));
    }
    return failure;
  }

  private static boolean isFull(String message) {
    String lower = message.toLowerCase(Locale.ROOT);
    return lower.contains("no space left") || lower.contains("quota");
  }
}
