package org.sparktune.jobs.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.jobs.cli.TinyWorkflow;

/** GPUs that Spark schedules: a script claims that there are two, so none needs to be there. */
@Timeout(300)
class GpuAddressTest {
  private static final Pattern GIVEN =
      Pattern.compile("Rank (\\d) of 2 on \\S+: GPU (\\d+), given by the cluster");

  @TempDir private static Path folder;

  @Test
  void shouldGiveEveryRankTheGpuThatItsTaskWasGiven() throws IOException {
    TinyWorkflow.write(folder);
    TestSparkHome spark = TestSparkHome.make(folder.resolve("spark"));
    Path script = folder.resolve("gpus.sh");
    Files.writeString(
        script, "#!/bin/sh\necho '{\"name\": \"gpu\", \"addresses\": [\"3\", \"5\"]}'\n");
    assertTrue(script.toFile().setExecutable(true));
    try (ChildProcess driver =
        SparktuneProcess.start(
            spark,
            folder,
            "local-cluster[1,2,1024]",
            "train",
            "spec.yaml",
            "--set",
            "executors=2",
            "--set",
            "hyperparams.max_steps=2",
            "--set",
            "hyperparams.gradient_accumulation_steps=2",
            "--set",
            "hyperparams.engine=cpu",
            "--conf",
            "spark.worker.resource.gpu.amount=2",
            "--conf",
            "spark.worker.resource.gpu.discoveryScript=" + script,
            "--conf",
            "spark.executor.resource.gpu.amount=2",
            "--conf",
            "spark.task.resource.gpu.amount=1")) {
      assertEquals(0, driver.awaitEnd(Duration.ofMinutes(3)), driver::output);
    }
    Set<String> ranks = new TreeSet<>();
    Set<String> gpus = new TreeSet<>();
    Matcher matcher = GIVEN.matcher(executorLogs(spark));
    while (matcher.find()) {
      ranks.add(matcher.group(1));
      gpus.add(matcher.group(2));
    }
    assertEquals(Set.of("0", "1"), ranks);
    assertEquals(Set.of("3", "5"), gpus, "each has one of its own");
  }

  private static String executorLogs(TestSparkHome spark) throws IOException {
    StringBuilder logs = new StringBuilder();
    try (Stream<Path> files = Files.walk(spark.folder().resolve("work"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (file.endsWith("stderr") || file.endsWith("stdout")) {
          logs.append(Files.readString(file));
        }
      }
    }
    return logs.toString();
  }
}
