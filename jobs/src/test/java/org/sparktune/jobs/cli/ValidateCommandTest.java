package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;

/** Specifications that something is wrong with, and odd ones that nothing is wrong with. */
class ValidateCommandTest {
  @TempDir private Path folder;
  private Path spec;

  @BeforeEach
  void writeWorkflow() throws IOException {
    spec = TinyWorkflow.write(folder);
  }

  @Test
  void shouldReportEveryProblemWithItsPlaceAndTheNearestWord() throws IOException {
    replace("learning_rate: 1.0e-2", "learning_rat: 1.0e-2");
    replace("batch_size: 2", "batch_size: many");
    replace("adapter: assistant", "adapter: asistant");
    CommandRun run = validate();
    run.requireFailure(
        ErrorCode.INVALID_SPEC,
        "3 problems",
        "spec.yaml:16:7",
        "'learning_rate'",
        "spec.yaml:17:",
        "batch_size",
        "'assistant'");
    assertEquals("", run.out());
    JsonNode json = CommandRun.in(folder, "validate", "spec.yaml", "--json").json();
    assertFalse(json.get("valid").asBoolean());
    assertEquals(3, json.get("problems").size());
    assertEquals(16, json.get("problems").get(0).get("line").asInt());
    assertEquals(7, json.get("problems").get(0).get("column").asInt());
  }

  @Test
  void shouldListTheTasksInOrder() throws IOException {
    JsonNode json = CommandRun.in(folder, "validate", "spec.yaml", "--json").requireDone().json();
    assertTrue(json.get("valid").asBoolean());
    assertEquals("[\"data\",\"assistant\",\"score\"]", json.get("tasks").toString());
  }

  @Test
  void shouldReportACircle() throws IOException {
    replace("dataset: data\n    hyper", "dataset: data\n    dependencies: [score]\n    hyper");
    validate().requireFailure(ErrorCode.INVALID_SPEC, "circle", "assistant", "score");
  }

  @Test
  void shouldReportMissingFiles() throws IOException {
    replace("[data.jsonl]", "[absent.jsonl]");
    replace("base_model: model", "base_model: absent");
    validate().requireFailure(ErrorCode.INVALID_SPEC, "absent.jsonl", "absent", "spec.yaml:");
  }

  @Test
  void shouldReadByteOrderMarksAndWindowsLineEndings() throws IOException {
    Files.writeString(spec, "\uFEFF" + Files.readString(spec).replace("\n", "\r\n"));
    validate().requireDone();
  }

  @Test
  void shouldReadThroughLinks() throws IOException {
    Path link = Files.createSymbolicLink(folder.resolve("link.yaml"), spec);
    CommandRun.in(folder, "validate", link).requireDone();
  }

  @Test
  void shouldRefuseWhatIsNoSpecification() throws IOException {
    CommandRun.in(folder, "validate", ".").requireFailure(ErrorCode.BAD_FILE, "folder");
    CommandRun.in(folder, "validate", "none.yaml")
        .requireFailure(ErrorCode.BAD_FILE, "none.yaml", "does not exist");
    for (String text :
        new String[] {"", "---\n", "[]", "just words", "name: [", "a: b: c", "\tname: x", "null"}) {
      Files.writeString(spec, text);
      validate().requireFailure(ErrorCode.INVALID_SPEC, "spec.yaml");
    }
    Files.write(spec, TinyWorkflow.latin1("name: caf\u00e9\n"));
    validate().requireFailure(ErrorCode.BAD_FILE, "UTF-8");
  }

  @Test
  void shouldRefuseChangesThatMakeNoSense() {
    for (String change :
        new String[] {
          "=",
          "nonsense",
          "a.b.c=1",
          "hyperparams.learning_rate=fast",
          "hyperparams.learning_rate=-1",
          "hyperparams.learning_rate=.nan",
          "hyperparams.max_steps=99999999999999999999",
          "hyperparams.batch_size=0",
          "assistant.hyperparams=3",
          "assistant.hyperparams.lora.rank=[",
          "seed=-1"
        }) {
      CommandRun run = CommandRun.in(folder, "validate", "spec.yaml", "--set", change);
      run.requireFailure(ErrorCode.INVALID_SPEC, "--set");
    }
  }

  private CommandRun validate() {
    return CommandRun.in(folder, "validate", "spec.yaml");
  }

  private void replace(String old, String replacement) throws IOException {
    String text = Files.readString(spec);
    assertTrue(text.contains(old), old);
    Files.writeString(spec, text.replace(old, replacement));
  }
}
