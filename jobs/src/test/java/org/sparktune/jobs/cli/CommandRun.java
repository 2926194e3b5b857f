package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.sparktune.core.ErrorCode;

/**
 * One command line, run in this process.
 *
 * @param status its exit status
 * @param out what it wrote to standard output
 * @param err what it wrote to standard error, the log aside
 */
public record CommandRun(int status, String out, String err) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Runs a command line in a folder. */
  public static CommandRun in(Path workingDirectory, Object... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    String[] words = new String[arguments.length];
    for (int i = 0; i < words.length; i++) {
      words[i] = arguments[i].toString();
    }
    Console console =
        new Console(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            false,
            workingDirectory);
    int status = SparktuneCommand.execute(console, words);
    return new CommandRun(
        status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  CommandRun requireDone() {
    assertEquals(0, status, () -> "standard error: " + err);
    return this;
  }

  /** Expects a failure of one kind whose text holds every word, without a stack trace. */
  CommandRun requireFailure(ErrorCode code, String... words) {
    assertEquals(code.exitStatus(), status, () -> "standard error: " + err);
    List<String> failures = err.lines().filter(line -> line.startsWith("sparktune: ")).toList();
    assertEquals(1, failures.size(), () -> "one failure is told: " + err);
    assertFalse(err.contains("\tat "), () -> "no stack trace: " + err);
    assertFalse(err.contains("Exception"), () -> "no name of a Java class: " + err);
    for (String word : words) {
      assertTrue(err.contains(word), () -> "'" + word + "' is missing in: " + err);
    }
    return this;
  }

  /** Standard output as one JSON value; anything else beside it fails. */
  public JsonNode json() throws IOException {
    assertFalse(out.isBlank(), () -> "nothing on standard output; standard error: " + err);
    try (var parser = JSON.createParser(out)) {
      JsonNode value = JSON.readTree(parser);
      assertEquals(null, parser.nextToken(), () -> "more than one value: " + out);
      return value;
    }
  }
}
