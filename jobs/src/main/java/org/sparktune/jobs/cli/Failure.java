package org.sparktune.jobs.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.IdentityHashMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.core.WriteFailure;

/**
 * What a user is told about a throwable.
 *
 * @param code the kind of failure
 * @param sentence what happened and what to do
 */
record Failure(ErrorCode code, String sentence) {

  /** Spark wraps what a task throws, so the whole chain of causes is looked at. */
  static Failure of(Throwable thrown) {
    IdentityHashMap<Throwable, Boolean> seen = new IdentityHashMap<>();
    for (Throwable cause = thrown;
        cause != null && seen.put(cause, true) == null;
        cause = cause.getCause()) {
      Failure known = known(cause);
      if (known != null) {
        return known;
      }
    }
    return new Failure(
        ErrorCode.INTERNAL,
        "This is a defect of sparktune: %s%s. Run the command again with --stacktrace and report what it prints."
            .formatted(
                thrown.getClass().getSimpleName(),
                thrown.getMessage() == null ? "" : " (" + oneLine(thrown.getMessage()) + ")"));
  }

  private static Failure known(Throwable cause) {
    if (cause instanceof SparktuneException failure) {
      return new Failure(failure.code(), failure.sentence());
    }
    if (cause instanceof OutOfMemoryError) {
      return new Failure(
          ErrorCode.RESOURCES,
          "The memory is used up (%s). Lower batch_size or sequence_length, or give the JVM more with SPARKTUNE_HEAP."
              .formatted(oneLine(String.valueOf(cause.getMessage()))));
    }
    if (cause instanceof UncheckedIOException wrapper) {
      return ofIo(wrapper.getCause());
    }
    if (cause instanceof IOException) {
      return ofIo(cause);
    }
    return null;
  }

  private static Failure ofIo(Throwable cause) {
    String message = String.valueOf(cause.getMessage());
    if (WriteFailure.isFull(cause)) {
      return new Failure(
          ErrorCode.RESOURCES,
          "The disk is full (%s). Free some space and run the command again; finished work is kept."
              .formatted(oneLine(message)));
    }
    if (cause instanceof NoSuchFileException) {
      return new Failure(ErrorCode.BAD_FILE, "%s does not exist.".formatted(message));
    }
    if (cause instanceof AccessDeniedException) {
      return new Failure(ErrorCode.OUTPUT, "Access to %s is denied.".formatted(message));
    }
    if (cause instanceof FileAlreadyExistsException) {
      return new Failure(ErrorCode.OUTPUT, "%s is in the way.".formatted(message));
    }
    if (cause instanceof MalformedInputException) {
      return new Failure(ErrorCode.BAD_FILE, "The input is not UTF-8 text.");
    }
    if (cause.getCause() != null) {
      return null; // the cause says more
    }
    return new Failure(
        ErrorCode.BAD_FILE, "Reading or writing failed: %s.".formatted(oneLine(message)));
  }

  private static String oneLine(String text) {
    return text.lines().findFirst().orElse("").strip();
  }
}
