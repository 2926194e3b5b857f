package org.sparktune.trainer.collective.aeron;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Reads the first line of a file under {@code /proc}. Such files answer the first read call only,
 * whatever it asks for, and Java's own ways of reading a file of unknown size ask for one byte
 * first.
 */
final class ProcFile {
  private ProcFile() {}

  /** The line, or empty where there is no such file. */
  static Optional<String> read(String path) {
    try (BufferedReader reader = Files.newBufferedReader(Path.of(path))) {
      return Optional.ofNullable(reader.readLine()).map(String::strip);
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
