package org.sparktune.trainer.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.sparktune.core.SparktuneException;
import org.sparktune.core.WriteFailure;

/**
 * A file of one JSON object a line, each with a {@code step}: {@code metrics.jsonl}, {@code
 * samples.jsonl}. Every line is written at once. When a run resumes, the lines its first part wrote
 * after the checkpoint are removed, so that the file ends up as if nothing had happened.
 */
public final class JsonLinesFile {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;

  /**
   * @param file is created with the first line
   */
  public JsonLinesFile(Path file) {
    this.file = file;
  }

  /** Appends a line; the map's order is kept. */
  public void append(Map<String, ?> line) {
    try {
      Files.writeString(
          file,
          JSON.writeValueAsString(line) + "\n",
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  /**
   * Removes every line whose step is greater, and a last line that was cut off.
   *
   * @param step the last step to keep
   */
  public void truncateAfter(long step) {
    if (!Files.exists(file)) {
      return;
    }
    Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
    try (BufferedReader lines = Files.newBufferedReader(file);
        BufferedWriter out = Files.newBufferedWriter(temporary, StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (isUpTo(step, line)) {
          out.write(line);
          out.write('\n');
        }
      }
    } catch (IOException e) {
      throw unwritable(e);
    }
    try {
      Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  private static boolean isUpTo(long step, String line) {
    try {
      JsonNode lineStep = JSON.readTree(line).get("step");
      return lineStep != null && lineStep.asLong() <= step;
    } catch (JsonProcessingException e) {
      // The process was killed while it wrote this line.
      return false;
    }
  }

  private SparktuneException unwritable(IOException cause) {
    return WriteFailure.of(file.toString(), cause);
  }
}
