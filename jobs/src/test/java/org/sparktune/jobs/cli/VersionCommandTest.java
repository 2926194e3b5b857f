package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;

/** Datasets that grow, from a specification. */
@ExtendWith(SharedSpark.class)
class VersionCommandTest {
  @TempDir private Path folder;

  @BeforeEach
  void writeWorkflow() throws IOException {
    TinyModel.write(folder.resolve("model"));
    Files.createDirectory(folder.resolve("inbox"));
    arrive("day1.jsonl", 0, 24);
    spec("incremental", "data");
  }

  private void spec(String mode, String dataset) throws IOException {
    Files.writeString(
        folder.resolve("spec.yaml"),
        """
        name: daily
        output: out
        base_model: model
        tasks:
          - name: data
            task_type: prepare
            prepare: {mode: %s}
            dataset:
              sources: [inbox]
              sequence_length: 64
              validation_fraction: 0.2
          - name: assistant
            task_type: lora_finetune
            dataset: %s
            hyperparams: {max_steps: 2, batch_size: 2, precision: fp32, lora: {rank: 2}}
        """
            .formatted(mode, dataset));
  }

  private void arrive(String name, int from, int to) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = from; i < to; i++) {
      lines.append(TinyWorkflow.record(i)).append('\n');
    }
    Files.writeString(folder.resolve("inbox").resolve(name), lines);
  }

  private JsonNode run(String command) throws IOException {
    return CommandRun.in(folder, command, "spec.yaml", "--json").requireDone().json().get("tasks");
  }

  private JsonNode inspect(String path) throws IOException {
    return CommandRun.in(folder, "inspect", path, "--json").requireDone().json().get("facts");
  }

  @Test
  void shouldAppendVersionsListThemAndTrainOnThePinnedOne() throws IOException {
    spec("incremental", "data@v1");
    JsonNode first = run("run");
    assertEquals(1, first.get(0).get("result").get("version").asInt());
    arrive("day2.jsonl", 24, 34);
    JsonNode second = run("run");
    assertEquals(2, second.get(0).get("result").get("version").asInt());
    assertEquals(1, second.get(0).get("result").get("new_files").asInt());
    assertTrue(second.get(1).get("skipped").asBoolean(), "v1 has been trained on");
    CommandRun nothing = CommandRun.in(folder, "prepare", "spec.yaml").requireDone();
    assertTrue(nothing.out().contains("nothing_new true"), nothing.out());

    JsonNode whole = inspect("out/data/dataset");
    assertEquals(34, whole.get("records_read").asInt());
    assertEquals(2, whole.get("versions").size());
    assertEquals("v2", whole.get("versions").get(1).get("version").asText());
    assertEquals(10, whole.get("versions").get(1).get("records").asInt());
    assertEquals(24, inspect("out/data/dataset@v1").get("records_read").asInt());
    CommandRun.in(folder, "inspect", "out/data/dataset@v3")
        .requireFailure(ErrorCode.BAD_FILE, "only v1 to v2");
    CommandRun shown = CommandRun.in(folder, "inspect", "out/data/dataset").requireDone();
    assertTrue(shown.out().contains("{version=v2, files=1"), shown.out());
    JsonNode records =
        CommandRun.in(folder, "inspect", "out/data/dataset", "--records", 99, "--json")
            .requireDone()
            .json()
            .get("records");
    assertEquals(34, records.size());
  }

  @Test
  void shouldNotPassOverATrainingWhoseDatasetHasANewVersion() throws IOException {
    run("run");
    assertTrue(run("run").get(1).get("skipped").asBoolean());
    arrive("day2.jsonl", 24, 34);
    CommandRun.in(folder, "run", "spec.yaml").requireFailure(ErrorCode.OUTPUT, "assistant", "@v1");
    assertEquals(2, inspect("out/data/dataset").get("versions").size());
    Files.writeString(
        folder.resolve("other.yaml"),
        """
        name: other
        output: other
        base_model: model
        tasks:
          - name: assistant
            task_type: lora_finetune
            dataset: out/data/dataset@v2
            hyperparams: {max_steps: 2, batch_size: 2, precision: fp32, lora: {rank: 2}}
          - name: score
            task_type: evaluate
            adapter: assistant
            dataset: out/data/dataset
            precision: fp32
        """);
    CommandRun.in(folder, "run", "other.yaml").requireDone();
    CommandRun.in(
            folder,
            "run",
            "other.yaml",
            "--set",
            "assistant.dataset=out/data/dataset@v9",
            "--output",
            "absent")
        .requireFailure(ErrorCode.INVALID_SPEC, "dataset@v9");
  }

  @Test
  void shouldWaitForTheFirstFile() throws IOException {
    Files.delete(folder.resolve("inbox/day1.jsonl"));
    JsonNode result = run("prepare").get(0).get("result");
    assertTrue(result.get("nothing_new").asBoolean(), result.toString());
    CommandRun.in(folder, "run", "spec.yaml")
        .requireFailure(ErrorCode.BAD_FILE, "no complete dataset");
    arrive("day1.jsonl", 0, 24);
    assertEquals(1, run("run").get(0).get("result").get("version").asInt());
    JsonNode plan =
        CommandRun.in(folder, "run", "spec.yaml", "--dry-run", "--json").requireDone().json();
    assertTrue(plan.toString().contains("\"documents\""), plan.toString());
    assertTrue(Files.exists(folder.resolve("out/data/dataset/v1/report.html")));
  }

  @Test
  void shouldStreamWhatArrivesIntoTheSameDataset() throws IOException {
    run("prepare");
    arrive("day2.jsonl", 24, 34);
    spec("stream", "data");
    JsonNode result = run("prepare").get(0).get("result");
    assertEquals(2, result.get("version").asInt(), result.toString());
    assertEquals(10, result.get("records").asInt(), result.toString());
    arrive("day3.jsonl", 34, 36);
    assertEquals(3, run("prepare").get(0).get("result").get("version").asInt());
    assertEquals(36, inspect("out/data/dataset").get("records_read").asInt());
  }

  @Test
  void shouldSayWhatIsWrongWithTheMode() throws IOException {
    spec("continuous", "data");
    CommandRun.in(folder, "prepare", "spec.yaml")
        .requireFailure(ErrorCode.INVALID_SPEC, "'continuous'", "batch, incremental");
    spec("incremental, trigger: continuous", "data");
    CommandRun.in(folder, "prepare", "spec.yaml")
        .requireFailure(ErrorCode.INVALID_SPEC, "'trigger' means nothing without mode: stream");
    spec("batch", "data");
    CommandRun.in(folder, "prepare", "spec.yaml", "--set", "data.dataset.deduplicate.versions=true")
        .requireFailure(ErrorCode.INVALID_SPEC, "versions: true");
  }

  @Test
  void shouldReportWhatWasQuarantined() throws IOException {
    spec("batch", "data");
    Files.writeString(folder.resolve("inbox/cut.json"), "[" + TinyWorkflow.record(30) + ", {\"in");
    JsonNode result = run("prepare").get(0).get("result");
    assertEquals(1, result.get("quarantined").size(), result.toString());
    assertEquals(1, result.get("quarantined").get(0).get("records").asInt());
    assertEquals(1, inspect("out/data/dataset").get("quarantined").size());
    CommandRun.in(
            folder,
            "prepare",
            "spec.yaml",
            "--output",
            "strict",
            "--set",
            "data.dataset.on_corrupt=fail")
        .requireFailure(ErrorCode.BAD_FILE, "cut.json");
  }
}
