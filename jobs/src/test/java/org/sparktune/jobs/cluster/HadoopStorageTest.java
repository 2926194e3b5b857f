package org.sparktune.jobs.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
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

/** Sources, datasets and checkpoints on HDFS: a name node and a data node in this process. */
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
    workflow = RanksWorkflow.make(folder);
    Configuration settings = new Configuration();
    settings.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.resolve("hdfs").toString());
    hdfs = new MiniDFSCluster.Builder(settings).numDataNodes(1).build();
    files = hdfs.getFileSystem();
    root = files.getUri() + "/user/someone";
  }

  @AfterAll
  static void stopHdfs() {
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
