package org.sparktune.core;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Keeps outputs from overwriting, or from being taken for, what they are made of. */
public final class InputGuard {
  private InputGuard() {}

  /**
   * Refuses an output that is an input, or lies inside one that is a folder. Links are followed.
   *
   * @param output where something is about to be written
   * @param input what is read for it; may be absent
   * @throws SparktuneException {@link ErrorCode#OUTPUT} with both paths
   */
  public static void requireApart(Path output, Path input) {
    if (!Files.exists(input)) {
      return;
    }
    Path written = real(output.toAbsolutePath().normalize());
    Path read = real(input.toAbsolutePath().normalize());
    if (written.equals(read)) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "The output %s is also an input.".formatted(output),
          "Name another place with --output; inputs are never overwritten.");
    }
    if (written.startsWith(read)) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "The output %s lies inside the input %s.".formatted(output, input),
          "Name a place outside it with --output, or it would be read as input the next time.");
    }
  }

  /** The path with the links of whatever exists of it resolved. */
  private static Path real(Path path) {
    Path existing = path;
    while (existing != null && !Files.exists(existing)) {
      existing = existing.getParent();
    }
    if (existing == null) {
      return path;
    }
    try {
      return existing.toRealPath().resolve(existing.relativize(path)).normalize();
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "The output %s cannot be looked up (%s).".formatted(path, e.getMessage()),
          "Check the path and its permissions.",
          e);
    }
  }
}
