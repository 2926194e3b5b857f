package org.sparktune.jobs.task;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.sparktune.core.AtomicFile;

/** Writes a result as JSON, completely or not at all. */
final class ResultFile {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private ResultFile() {}

  static void write(Path file, Object value) {
    try {
      AtomicFile.write(
          file, temporary -> Files.writeString(temporary, JSON.writeValueAsString(value) + "\n"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
