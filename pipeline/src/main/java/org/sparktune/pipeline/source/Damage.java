package org.sparktune.pipeline.source;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.github.luben.zstd.ZstdIOException;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.zip.ZipException;
import org.apache.hadoop.fs.ChecksumException;
import org.apache.hadoop.security.AccessControlException;

/**
 * Tells a file that is damaged, gone or forbidden from storage that cannot be reached just now. A
 * connection that breaks says nothing about the file, so that the task is to be tried again.
 */
final class Damage {
  private static final List<Class<? extends IOException>> OF_THE_FILE =
      List.of(
          DamagedFileException.class,
          EOFException.class,
          ZipException.class,
          ZstdIOException.class,
          ChecksumException.class,
          JsonProcessingException.class,
          FileNotFoundException.class,
          NoSuchFileException.class,
          AccessDeniedException.class,
          AccessControlException.class);

  /** What the operating system says of sectors that it cannot read. */
  private static final String UNREADABLE = "Input/output error";

  private Damage() {}

  /** Whether reading the same file again would fail again. */
  static boolean isOfTheFile(IOException failure) {
    boolean lasting = false;
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof InterruptedException) {
        return false;
      }
      if (t instanceof IOException e) {
        boolean parsed = e.getCause() != null && !(e.getCause() instanceof IOException);
        if (!isKnown(e) && !parsed) {
          return false;
        }
        lasting = true;
      }
    }
    return lasting;
  }

  private static boolean isKnown(IOException e) {
    for (Class<? extends IOException> type : OF_THE_FILE) {
      if (type.isInstance(e)) {
        return true;
      }
    }
    return String.valueOf(e.getMessage()).contains(UNREADABLE);
  }

  /** What is wrong, in a line. */
  static String words(IOException failure) {
    String message = failure.getMessage();
    return message == null || message.isBlank()
        ? "it ends too early"
        : message.lines().findFirst().orElse(message);
  }
}
