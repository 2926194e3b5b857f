package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;

/** The commands that read a model and no specification. */
class ModelCommandsTest {
  @TempDir private Path folder;

  @BeforeEach
  void writeModel() throws IOException {
    TinyModel.write(folder.resolve("model"));
  }

  @Test
  void shouldTurnLinesIntoLinesOfIds() throws IOException {
    List<String> lines = List.of("What is one?", "", "  Two: \u00fc \uD83D\uDE00", "a\r");
    Files.writeString(folder.resolve("text.txt"), String.join("\n", lines) + "\n");
    CommandRun run =
        CommandRun.in(
                folder,
                "tokenize",
                "--tokenizer",
                "model",
                "--input",
                "text.txt",
                "--output",
                "ids")
            .requireDone();
    assertEquals("", run.out());
    Tokenizer tokenizer = Tokenizers.load(folder.resolve("model"));
    String expected =
        lines.stream()
            .map(
                line ->
                    Arrays.stream(tokenizer.encode(line, false))
                            .mapToObj(Integer::toString)
                            .collect(Collectors.joining(" "))
                        + "\n")
            .collect(Collectors.joining());
    assertEquals(expected, Files.readString(folder.resolve("ids")));
    CommandRun shown =
        CommandRun.in(folder, "tokenize", "--tokenizer", "model", "--input", "text.txt");
    assertEquals(expected, shown.requireDone().out());
  }

  @Test
  void shouldLeaveAnOlderOutputWhenTokenizingFails() throws IOException {
    Files.writeString(folder.resolve("ids"), "old");
    CommandRun.in(
            folder, "tokenize", "--tokenizer", "model", "--input", "none.txt", "--output", "ids")
        .requireFailure(ErrorCode.BAD_FILE, "none.txt");
    assertEquals("old", Files.readString(folder.resolve("ids")));
  }

  @Test
  void shouldEvaluateEverySampleAndTheWhole() throws IOException {
    TinyWorkflow.writeData(folder.resolve("data.jsonl"), 5);
    JsonNode result =
        CommandRun.in(folder, "evaluate", "--model", "model", "--data", "data.jsonl", "--json")
            .requireDone()
            .json();
    List<String> keys = new ArrayList<>();
    result.fieldNames().forEachRemaining(keys::add);
    assertTrue(keys.containsAll(List.of("loss", "tokens", "samples")), keys.toString());
    assertEquals(5, result.get("samples").size());
    double sum = 0;
    long tokens = 0;
    for (JsonNode sample : result.get("samples")) {
      sum += sample.get("loss").asDouble() * sample.get("tokens").asLong();
      tokens += sample.get("tokens").asLong();
    }
    assertEquals(tokens, result.get("tokens").asLong());
    assertEquals(sum / tokens, result.get("loss").asDouble(), 1e-9);
  }

  @Test
  void shouldNotDependOnTheTokensOfAPass() throws IOException {
    TinyWorkflow.writeData(folder.resolve("data.jsonl"), 5);
    CommandRun large =
        CommandRun.in(folder, "evaluate", "--model", "model", "--data", "data.jsonl", "--json");
    CommandRun small =
        CommandRun.in(
            folder,
            "evaluate",
            "--model",
            "model",
            "--data",
            "data.jsonl",
            "--json",
            "--batch-tokens",
            "1");
    JsonNode expected = large.requireDone().json();
    JsonNode actual = small.requireDone().json();
    assertEquals(expected.get("loss").asDouble(), actual.get("loss").asDouble(), 1e-6);
    assertEquals(expected.get("tokens"), actual.get("tokens"));
  }

  @Test
  void shouldGenerateTheSameTokensEveryTime() throws IOException {
    Object[] line = {
      "generate",
      "--model",
      "model",
      "--prompt",
      "What is",
      "--max-new-tokens",
      5,
      "--temperature",
      0,
      "--ignore-eos",
      "--json"
    };
    JsonNode first = CommandRun.in(folder, line).requireDone().json();
    assertEquals("What is", first.get("prompt").asText());
    assertTrue(first.get("text").isTextual());
    assertEquals(5, first.get("tokens").size());
    Tokenizer tokenizer = Tokenizers.load(folder.resolve("model"));
    assertEquals(tokenizer.encode("What is", true).length, first.get("prompt_tokens").size());
    assertEquals(first, CommandRun.in(folder, line).requireDone().json());
  }

  @Test
  void shouldPrintNothingButTheTextOnStandardOutput() {
    CommandRun run =
        CommandRun.in(
                folder, "generate", "--model", "model", "--prompt", "What", "--max-new-tokens", 3)
            .requireDone();
    assertEquals("", run.err());
    assertArrayEquals(
        run.out().getBytes(StandardCharsets.UTF_8),
        CommandRun.in(
                folder, "generate", "--model", "model", "--prompt", "What", "--max-new-tokens", 3)
            .out()
            .getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void shouldRefuseValuesThatMakeNoSense() {
    for (List<String> wrong :
        List.of(
            List.of("--max-new-tokens", "-1"),
            List.of("--max-new-tokens", "99999999999"),
            List.of("--temperature", "-1"),
            List.of("--temperature", "NaN"),
            List.of("--top-p", "2"),
            List.of("--top-k", "-3"),
            List.of("--repetition-penalty", "0"),
            List.of("--precision", "fp64"))) {
      CommandRun run =
          CommandRun.in(
              folder,
              "generate",
              "--model",
              "model",
              "--prompt",
              "What",
              wrong.get(0),
              wrong.get(1));
      run.requireFailure(ErrorCode.USAGE);
      assertEquals("", run.out());
    }
    CommandRun.in(folder, "evaluate", "--model", "model", "--data", "x", "--batch-tokens", "-5")
        .requireFailure(ErrorCode.USAGE);
  }

  @Test
  void shouldRefuseAWrongCommandLine() {
    CommandRun.in(folder, "trian", "spec.yaml").requireFailure(ErrorCode.USAGE, "train");
    CommandRun.in(folder, "generate").requireFailure(ErrorCode.USAGE, "--model");
    CommandRun.in(folder, "run").requireFailure(ErrorCode.USAGE, "SPEC");
    CommandRun.in(folder, "run", "a.yaml", "--sett", "x=1")
        .requireFailure(ErrorCode.USAGE, "--sett");
  }

  @Test
  void shouldRefuseAnEmptyPrompt() {
    CommandRun run = CommandRun.in(folder, "generate", "--model", "model", "--prompt", "");
    run.requireFailure(ErrorCode.USAGE, "prompt");
  }
}
