package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;

/** Data that cannot be used, and trainings that cannot go on. */
@ExtendWith(SharedSpark.class)
class BadDataTest {
  @TempDir private Path folder;

  @BeforeEach
  void writeWorkflow() throws IOException {
    TinyWorkflow.write(folder);
  }

  @Test
  void shouldRejectAndCountBadLines() throws IOException {
    writeDirtyData();
    TinyWorkflow.writeSpec(folder.resolve("spec.yaml"), "      max_reject_ratio: 0.5\n");
    JsonNode result = CommandRun.in(folder, "prepare", "spec.yaml", "--json").requireDone().json();
    JsonNode rejects = result.get("tasks").get(0).get("result").get("rejects");
    assertTrue(rejects.size() >= 3, rejects.toString());
    String written = Files.readString(folder.resolve("out/data/dataset/_rejects/part-00000.jsonl"));
    assertTrue(written.contains("data.jsonl"), written);
  }

  @Test
  void shouldFailWithExamplesAboveTheAllowedShareOfRejects() throws IOException {
    writeDirtyData();
    TinyWorkflow.writeSpec(folder.resolve("spec.yaml"), "      max_reject_ratio: 0.01\n");
    prepare().requireFailure(ErrorCode.BAD_DATA, "max_reject_ratio", "data.jsonl:25");
  }

  @Test
  void shouldRefuseEmptyData() throws IOException {
    Files.write(folder.resolve("data.jsonl"), new byte[0]);
    prepare().requireFailure(ErrorCode.BAD_DATA, "empty");
    Files.writeString(folder.resolve("data.jsonl"), "\n\n\n");
    CommandRun blank = prepare();
    assertEquals(ErrorCode.BAD_DATA.exitStatus(), blank.status(), blank.err());
  }

  @Test
  void shouldRefuseDataOfWhichNothingCarriesLoss() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 8; i++) {
      lines.append(
          "{\"messages\": [{\"role\": \"user\", \"content\": \"Hello %d\"}]}\n".formatted(i));
    }
    Files.writeString(folder.resolve("data.jsonl"), lines);
    prepare().requireFailure(ErrorCode.BAD_DATA);
  }

  @Test
  void shouldRefuseRecordsOfNoKnownShape() throws IOException {
    Files.writeString(
        folder.resolve("data.jsonl"), "{\"colour\": \"red\"}\n{\"colour\": \"blue\"}\n");
    CommandRun run = prepare();
    assertTrue(run.err().contains("colour"), run.err());
    run.requireFailure(ErrorCode.BAD_DATA);
  }

  @Test
  void shouldRefuseADatasetOfAnotherTokenizer() throws IOException {
    CommandRun.in(folder, "prepare", "spec.yaml").requireDone();
    Path other = TinyModel.write(folder.resolve("other"));
    Path file = other.resolve("tokenizer.json");
    Files.writeString(file, Files.readString(file).replace("<|endoftext|>", "<|end|>"));
    Path config = other.resolve("tokenizer_config.json");
    Files.writeString(config, Files.readString(config).replace("<|endoftext|>", "<|end|>"));
    Files.writeString(
        folder.resolve("second.yaml"),
        """
        name: second
        output: second
        base_model: other
        tasks:
          - name: assistant
            task_type: lora_finetune
            dataset: out/data/dataset
            hyperparams: {max_steps: 2, batch_size: 2, precision: fp32}
        """);
    CommandRun.in(folder, "run", "second.yaml")
        .requireFailure(ErrorCode.MISMATCH, "tokenizer", "out/data/dataset");
    assertFalse(Files.exists(folder.resolve("second")), "nothing half-written");
  }

  @Test
  void shouldStopAtALossThatIsNotFinite() throws IOException {
    CommandRun run =
        CommandRun.in(
            folder,
            "run",
            "spec.yaml",
            "--set",
            "hyperparams.learning_rate=1e30",
            "--set",
            "hyperparams.schedule=constant",
            "--set",
            "hyperparams.warmup_steps=0",
            "--set",
            "hyperparams.max_grad_norm=1e30",
            "--set",
            "hyperparams.checkpoint_every=1");
    run.requireFailure(ErrorCode.DIVERGED, "Step 2", "part-00000.parquet rows", "step-00000001");
    assertTrue(
        Pattern.compile("made of [^ ]*/data\\.jsonl:\\d+, [^ ]*/data\\.jsonl:\\d+")
            .matcher(run.err())
            .find(),
        run.err());
    assertFalse(Files.exists(folder.resolve("out/assistant/adapter")));
    assertFalse(Files.exists(folder.resolve("out/assistant/_done.json")));
  }

  @Test
  void shouldForeseeThatTheMemoryDoesNotSuffice() throws IOException {
    // The configuration alone decides: no weight is read before the estimate.
    TinyModel.setJson(folder.resolve("model/config.json"), "intermediate_size", 2_000_000_000);
    CommandRun run = CommandRun.in(folder, "run", "spec.yaml");
    run.requireFailure(ErrorCode.RESOURCES, "GiB", "batch_size");
    assertFalse(Files.exists(folder.resolve("out")), "nothing half-written");
  }

  @Test
  void shouldForeseeThatABatchDoesNotFit() {
    for (String task : new String[] {"hyperparams.batch_size", "tasks.score.batch_size"}) {
      // More tokens than an int can count.
      CommandRun run =
          CommandRun.in(
              folder,
              "run",
              "spec.yaml",
              "--set",
              "data.dataset.sequence_length=32768",
              "--set",
              task + "=65536");
      run.requireFailure(ErrorCode.RESOURCES, "GiB", "batch_size");
      assertFalse(Files.exists(folder.resolve("out")), "nothing half-written");
    }
  }

  @Test
  void shouldCountTheTokensOfAnEvaluationsRows() throws IOException {
    // The merged model is not there when the run is checked, so the task itself has to refuse.
    Files.writeString(
        folder.resolve("spec.yaml"),
        """
        name: tiny
        output: out
        base_model: model
        tasks:
          - name: assistant
            task_type: lora_finetune
            dataset: {sources: [data.jsonl], sequence_length: 64}
            hyperparams: {max_steps: 1, precision: fp32}
          - name: merged
            task_type: merge
            adapter: assistant
            format: safetensors
          - name: score
            task_type: evaluate
            base_model: merged
            dataset: {sources: [data.jsonl], sequence_length: 8192}
            precision: fp32
            batch_size: 65536
        """);
    CommandRun.in(folder, "run", "spec.yaml")
        .requireFailure(ErrorCode.RESOURCES, "GiB", "batch_size");
    assertTrue(Files.exists(folder.resolve("out/merged/_done.json")));
    assertFalse(Files.exists(folder.resolve("out/score/_done.json")));
  }

  @Test
  void shouldRefuseFactorsOnTheHead() {
    CommandRun run =
        CommandRun.in(
            folder,
            "run",
            "spec.yaml",
            "--set",
            "hyperparams.lora.target_modules=[q_proj,lm_head]");
    run.requireFailure(ErrorCode.UNSUPPORTED, "lm_head", "modules_to_save");
    assertFalse(Files.exists(folder.resolve("out/assistant/adapter")));
  }

  @Test
  void shouldNameTheLineThatEvaluationCannotRead() throws IOException {
    Files.writeString(
        folder.resolve("data.jsonl"), TinyWorkflow.record(0) + "\n{\"instruction\": \n");
    CommandRun.in(folder, "evaluate", "--model", "model", "--data", "data.jsonl", "--json")
        .requireFailure(ErrorCode.BAD_DATA, "data.jsonl", "2");
    Files.write(folder.resolve("data.jsonl"), new byte[0]);
    CommandRun.in(folder, "evaluate", "--model", "model", "--data", "data.jsonl", "--json")
        .requireFailure(ErrorCode.BAD_DATA, "data.jsonl");
  }

  private CommandRun prepare() {
    CommandRun run = CommandRun.in(folder, "prepare", "spec.yaml");
    assertFalse(Files.exists(folder.resolve("out")), "nothing half-written: " + run.err());
    return run;
  }

  /** 24 good lines and then one that is no JSON, not UTF-8, empty, of another shape, too long. */
  private void writeDirtyData() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int i = 0; i < 24; i++) {
      out.write((TinyWorkflow.record(i) + "\n").getBytes(StandardCharsets.UTF_8));
    }
    out.write("{\"instruction\": \"What is\n".getBytes(StandardCharsets.UTF_8));
    out.write(TinyWorkflow.latin1("{\"instruction\": \"caf\u00e9?\", \"output\": \"\u00fc\"}\n"));
    out.write('\n');
    out.write("{\"instruction\": \"\", \"output\": \"\"}\n".getBytes(StandardCharsets.UTF_8));
    String words = "one two three ".repeat(200);
    out.write(
        "{\"instruction\": \"%s\", \"output\": \"%s\"}\n"
            .formatted(words, words)
            .getBytes(StandardCharsets.UTF_8));
    Files.write(folder.resolve("data.jsonl"), out.toByteArray());
  }
}
