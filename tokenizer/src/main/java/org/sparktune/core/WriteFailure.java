package org.sparktune.core;

import java.io.IOException;
import java.util.Locale;

/** Tells a full disk from other reasons why something cannot be written. */
public final class WriteFailure {
  private WriteFailure() {}

  /** Whether the disk is full or a quota is used up, by what the operating system says. */
  public static boolean isFull(Throwable failure) {
    String message = String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT);
    return message.contains("no space left") || message.contains("quota exceeded");
  }

  /**
   * The failure to tell.
   *
   * @param what was to be written, the subject of the message
   * @return {@code RESOURCES} for a full disk, else {@code OUTPUT}
   */
  public static SparktuneException of(String what, IOException cause) {
    boolean full = isFull(cause);
    return new SparktuneException(
        full ? ErrorCode.RESOURCES : ErrorCode.OUTPUT,
        "%s cannot be written (%s).".formatted(what, cause.getMessage()),
        full
            ? "Free some space and run the same command again: what is finished is kept."
            : "Check the path and its permissions.",
        cause);
  }
}
