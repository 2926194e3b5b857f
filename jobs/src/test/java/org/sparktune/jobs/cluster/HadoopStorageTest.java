package org.sparktune.jobs.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.Fingerprint;
import org.sparktune.jobs.cli.CommandRun;
import org.sparktune.jobs.cli.SharedSpark;
import org.sparktune.jobs.cli.TinyWorkflow;
import org.sparktune.pipeline.prepare.IncrementalPreparation;
import org.sparktune.pipeline.prepare.PrepareOptions;
import org.sparktune.pipeline.prepare.StreamPreparation;
import org.sparktune.pipeline.prepare.VersionSummary;
import org.sparktune.pipeline.spec.ArrivalOptions;
import org.sparktune.pipeline.spec.ArrivalOptions.Mode;
import org.sparktune.pipeline.spec.ArrivalOptions.Trigger;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.DatasetOptions.OnLong;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.pipeline.spec.DatasetOptions.Source;
import org.sparktune.pipeline.spec.DatasetOptions.TrainOn;

/**
 * Models, sources, datasets, checkpoints and outputs on HDFS: a name node and a data node in this
 * process.
 */
@ExtendWith(SharedSpark.class)
@Timeout(300)
class HadoopStorageTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private static Path folder;
  private static MiniDFSCluster hdfs;
  private static FileSystem files;
  private static String root;
  private static RanksWorkflow workflow;

  @BeforeAll
  static void startHdfsAndTrainWithOneExecutor() throws IOException {
    System.setProperty("sparktune.cache", folder.resolve("cache").toString());
    workflow = RanksWorkflow.make(folder);
    Configuration settings = new Configuration();
    settings.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.resolve("hdfs").toString());
    hdfs = new MiniDFSCluster.Builder(settings).numDataNodes(1).build();
    files = hdfs.getFileSystem();
    root = files.getUri() + "/user/someone";
  }

  @AfterAll
  static void stopHdfs() {
    System.clearProperty("sparktune.cache");
    if (hdfs != null) {
      hdfs.shutdown();
    }
  }

  @Test
  void shouldPrepareFromHdfsWhatItPreparesFromADisk() throws IOException {
    copy(folder.resolve("data.jsonl"), "raw/data.jsonl");
    CommandRun run =
        CommandRun.in(
            folder,
            "prepare",
            "spec.yaml",
            "--output",
            "from-hdfs",
            "--set",
            "data.dataset.sources=[%s/raw/*.jsonl]".formatted(root));

    assertEquals(0, run.status(), run.err());
    assertEquals(
        TinyWorkflow.checksums(folder.resolve("data/data/dataset/train")),
        TinyWorkflow.checksums(folder.resolve("from-hdfs/data/dataset/train")));
  }

  @Test
  void shouldGoOnWithOneExecutorFromWhatTwoSavedOnHdfsThoughTheNewestIsDamaged()
      throws IOException {
    copy(folder.resolve("data/data/dataset"), "dataset");
    CommandRun whole = train(2);
    assertEquals(0, whole.status(), whole.err());
    workflow.requireSame("on-hdfs");
    List<String> steps = steps();
    assertFalse(Files.exists(workflow.task("on-hdfs").resolve("checkpoints")));

    // As if the run had ended while step 24 was saved.
    String newest = steps.get(steps.size() - 1);
    damage(newest);
    Files.delete(workflow.task("on-hdfs").resolve("_done.json"));
    Files.delete(workflow.task("on-hdfs").resolve("adapter/adapter_model.safetensors"));
    CommandRun rest = train(1);

    assertEquals(0, rest.status(), rest.err());
    workflow.requireSame("on-hdfs");
    JsonNode seen =
        JSON.readTree(
            CommandRun.in(folder, "inspect", root + "/checkpoints/assistant", "--json").out());
    assertEquals(newest, seen.get("facts").get("latest").asText(), "saved once more");
    assertEquals(1, seen.get("facts").get(newest).get("ranks").asInt());
    assertTrue(steps.size() > 1, steps::toString);
  }

  @Test
  void shouldAppendVersionsOnHdfsAndTrainOnThePinnedOne() throws IOException {
    copy(folder.resolve("data.jsonl"), "inbox/day1.jsonl");
    assertEquals(1, grow(false).newest());
    TinyWorkflow.writeData(folder.resolve("more.jsonl"), 30);
    copy(folder.resolve("more.jsonl"), "inbox/day2.jsonl");
    copy(folder.resolve("more.jsonl"), "inbox/again.jsonl");
    assertEquals(2, grow(true).newest());
    copy(folder.resolve("spec.yaml"), "inbox/_not-data");
    assertEquals(0, grow(true).added());
    assertEquals(0, grow(false).added());

    JsonNode seen =
        JSON.readTree(CommandRun.in(folder, "inspect", root + "/growing", "--json").out())
            .get("facts");
    assertEquals(54, seen.get("records_read").asInt());
    assertEquals(1, seen.get("versions").get(1).get("duplicate_files").asInt());
    assertFalse(files.exists(hadoop("growing/.v2.preparing")));
    CommandRun run =
        CommandRun.in(
            folder,
            "train",
            "spec.yaml",
            "--output",
            "pinned",
            "--set",
            "assistant.dataset=%s/growing@v1".formatted(root));
    assertEquals(0, run.status(), run.err());
  }

  private static VersionSummary grow(boolean stream) {
    DatasetOptions dataset =
        new DatasetOptions(
            DatasetOptions.Kind.SFT,
            List.of(new Source(root + "/inbox", Schema.AUTO, Map.of())),
            64,
            true,
            true,
            0.2,
            0.05,
            TrainOn.ASSISTANT,
            DatasetOptions.AUTO_TEMPLATE,
            OnLong.REJECT,
            true);
    PrepareOptions options =
        PrepareOptions.of(dataset, root + "/growing", folder.resolve("model").toString(), 1);
    SparkSession spark = SparkSession.active();
    return stream
        ? StreamPreparation.run(
            spark,
            options,
            new ArrivalOptions(Mode.STREAM, Trigger.AVAILABLE_NOW, 60, 1000),
            () -> false)
        : IncrementalPreparation.prepare(spark, options);
  }

  @Test
  void shouldReadTheBaseModelFromHdfsAndWriteAllOutputsThere() throws IOException {
    copy(folder.resolve("model"), "models/tiny");
    String output = root + "/runs/tiny";
    CommandRun trained = trainThere(output, 2);
    assertEquals(0, trained.status(), trained.err());

    Path local = workflow.task("one");
    assertEquals(
        fingerprint(Files.readAllBytes(local.resolve("adapter/adapter_model.safetensors"))),
        fingerprint(read("runs/tiny/assistant/adapter/adapter_model.safetensors")));
    JsonNode config = JSON.readTree(read("runs/tiny/assistant/adapter/adapter_config.json"));
    assertEquals(root + "/models/tiny", config.get("base_model_name_or_path").asText());
    assertEquals(losses(Files.readAllBytes(local.resolve("metrics.jsonl"))), metricsThere());
    assertTrue(files.exists(hadoop("runs/tiny/assistant/ranks/rank-00001.jsonl")));
    assertTrue(files.exists(hadoop("runs/tiny/assistant/adapter.gguf")));
    assertTrue(files.exists(hadoop("runs/tiny/assistant/_done.json")));
    assertTrue(files.exists(hadoop("runs/tiny/spec.yaml")));
    assertFalse(files.exists(hadoop("runs/tiny/.lock")));

    CommandRun again = trainThere(output, 2);
    assertEquals(0, again.status(), again.err());
    assertTrue(again.err().contains("assistant"), again.err());

    // As if the run had been killed while it published its adapter.
    files.delete(hadoop("runs/tiny/assistant/_done.json"), false);
    files.delete(hadoop("runs/tiny/assistant/adapter/adapter_config.json"), false);
    files.delete(hadoop("runs/tiny/assistant/metrics.jsonl"), false);
    CommandRun resumed = trainThere(output, 1);
    assertEquals(0, resumed.status(), resumed.err());
    assertTrue(files.exists(hadoop("runs/tiny/assistant/adapter/adapter_config.json")));
    assertEquals(losses(Files.readAllBytes(local.resolve("metrics.jsonl"))), metricsThere());

    useFromHdfs(output + "/assistant");
  }

  /**
   * What commands make of an adapter and of checkpoints on HDFS is what they make of local ones.
   */
  private static void useFromHdfs(String task) throws IOException {
    copy(folder.resolve("data.jsonl"), "evaluation/data.jsonl");
    String expected = evaluate("model", workflow.task("one") + "/adapter", "data.jsonl");
    for (String adapter : List.of("/adapter", "/checkpoints/latest")) {
      assertEquals(
          expected,
          evaluate(root + "/models/tiny", task + adapter, root + "/evaluation/data.jsonl"));
    }
    JsonNode seen = JSON.readTree(run("inspect", task + "/adapter", "--json").out());
    assertEquals("adapter", seen.get("kind").asText());
    run(
        "export",
        "--model",
        root + "/models/tiny",
        "--adapter",
        task + "/adapter",
        "--format",
        "safetensors",
        "--output",
        root + "/exported");
    assertEquals(
        "huggingface",
        JSON.readTree(run("inspect", root + "/exported", "--json").out()).get("kind").asText());
    CommandRun twice =
        CommandRun.in(
            folder,
            "export",
            "--model",
            root + "/models/tiny",
            "--format",
            "safetensors",
            "--output",
            root + "/exported");
    assertTrue(twice.err().contains("exists"), twice.err());
    CommandRun nothing =
        CommandRun.in(folder, "generate", "--model", root + "/none", "--prompt", "What");
    assertTrue(nothing.err().contains("There is nothing at " + root + "/none"), nothing.err());
  }

  @Test
  void shouldPrepareTrainAndMergeOnHdfsAlone() throws IOException {
    copy(folder.resolve("model"), "whole/model");
    copy(folder.resolve("data.jsonl"), "whole/data.jsonl");
    Files.writeString(
        folder.resolve("whole.yaml"),
        """
        name: whole
        output: %1$s/whole/out
        base_model: %1$s/whole/model
        tasks:
          - name: assistant
            task_type: lora_finetune
            dataset: {sources: [%1$s/whole/data.jsonl], sequence_length: 64}
            hyperparams: {max_steps: 2, batch_size: 2, precision: fp32}
          - name: merged
            task_type: merge
            adapter: assistant
            format: safetensors
          - name: score
            task_type: evaluate
            base_model: merged
            dataset: %1$s/whole/out/assistant/dataset
            precision: fp32
        """
            .formatted(root));
    run("run", "whole.yaml", "--dry-run");
    assertFalse(files.exists(hadoop("whole/out")), "a dry run makes nothing");
    run("run", "whole.yaml");
    assertTrue(files.exists(hadoop("whole/out/assistant/dataset/_manifest.json")));
    assertTrue(files.exists(hadoop("whole/out/merged/model/model.safetensors")));
    assertTrue(JSON.readTree(read("whole/out/score/evaluation.json")).get("loss").isNumber());
    CommandRun foreign = CommandRun.in(folder, "run", "spec.yaml", "--output", root + "/whole");
    assertTrue(foreign.err().contains("holds other files"), foreign.err());
  }

  private static CommandRun trainThere(String output, int executors) {
    return CommandRun.in(
        folder,
        (Object[])
            RanksWorkflow.command(
                output, executors, "--set", "base_model=%s/models/tiny".formatted(root)));
  }

  private static CommandRun run(Object... arguments) {
    CommandRun run = CommandRun.in(folder, arguments);
    assertEquals(0, run.status(), run.err());
    return run;
  }

  private static String evaluate(String model, String adapter, String data) {
    return run("evaluate", "--model", model, "--adapter", adapter, "--data", data, "--json").out();
  }

  private static List<Double> metricsThere() throws IOException {
    return losses(read("runs/tiny/assistant/metrics.jsonl"));
  }

  private static List<Double> losses(byte[] lines) throws IOException {
    List<Double> losses = new ArrayList<>();
    for (String line : new String(lines, StandardCharsets.UTF_8).lines().toList()) {
      JsonNode node = JSON.readTree(line);
      if (node.has("loss")) {
        losses.add(node.get("loss").asDouble());
      }
    }
    return losses;
  }

  private static String fingerprint(byte[] bytes) {
    return new Fingerprint().add(bytes).finish();
  }

  private static byte[] read(String path) throws IOException {
    try (InputStream in = files.open(hadoop(path))) {
      return in.readAllBytes();
    }
  }

  private static CommandRun train(int executors) {
    return CommandRun.in(
        folder,
        (Object[])
            RanksWorkflow.command(
                "on-hdfs",
                executors,
                "--set",
                "assistant.dataset=%s/dataset".formatted(root),
                "--set",
                "checkpoints=%s/checkpoints".formatted(root)));
  }

  private static List<String> steps() throws IOException {
    List<String> names = new ArrayList<>();
    for (FileStatus entry : files.listStatus(hadoop("checkpoints/assistant"))) {
      if (entry.isDirectory()) {
        names.add(entry.getPath().getName());
      }
    }
    names.sort(null);
    return names;
  }

  /** Replaces a part of a checkpoint by fewer bytes. */
  private static void damage(String step) throws IOException {
    boolean damaged = false;
    for (FileStatus part : files.listStatus(hadoop("checkpoints/assistant/" + step))) {
      if (!part.getPath().getName().endsWith(".json") && part.getLen() > 8) {
        try (FSDataOutputStream out = files.create(part.getPath(), true)) {
          out.writeLong(1);
        }
        damaged = true;
      }
    }
    assertTrue(damaged, "there is a part to damage");
  }

  private static void copy(Path local, String to) throws IOException {
    files.mkdirs(hadoop(to).getParent());
    files.copyFromLocalFile(new org.apache.hadoop.fs.Path(local.toUri()), hadoop(to));
  }

  private static org.apache.hadoop.fs.Path hadoop(String path) {
    return new org.apache.hadoop.fs.Path(root + "/" + path);
  }
}
