package org.sparktune.jobs.dl4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.jobs.cluster.ChildProcess;
import org.sparktune.jobs.cluster.TestSparkHome;

/** A network's training on executors that are processes, one of which is killed in an epoch. */
@Timeout(300)
class KilledExecutorTest {
  private static final Duration RUN = Duration.ofMinutes(4);

  @TempDir private static Path folder;

  @Test
  void shouldMakeTheEpochAgainToTheSameBitsWhenAnExecutorIsKilledInIt() throws IOException {
    TestSparkHome spark = TestSparkHome.make(folder.resolve("spark"));
    Path held = folder.resolve("held");
    try (ChildProcess driver = start(spark, held)) {
      driver.awaitCondition("come to the step", RUN, () -> Files.exists(held));
      long executor = Long.parseLong(Files.readString(held));
      List<ProcessHandle> processes =
          driver.tree().stream().filter(process -> process.pid() == executor).toList();
      assertEquals(1, processes.size(), "the rank is in a process that the driver started");
      assertTrue(processes.get(0).destroyForcibly(), "it is killed");

      assertEquals(0, driver.awaitEnd(RUN), driver::output);
      String undisturbed = printed(driver, "undisturbed");
      assertEquals(undisturbed, printed(driver, "disturbed"));
      assertTrue(driver.output().contains("Attempt 1 of this epoch failed"), driver::output);
    }
  }

  private static String printed(ChildProcess driver, String name) {
    return driver
        .awaitLine(Pattern.compile("^" + name + ": (sha256:\\p{XDigit}+)$"), Duration.ofSeconds(1))
        .group(1);
  }

  private static ChildProcess start(TestSparkHome spark, Path held) throws IOException {
    List<String> options = new ArrayList<>(TestSparkHome.javaOptions());
    options.add("-XX:+UseSerialGC");
    options.add(
        "-Dlog4j2.configurationFile="
            + TestSparkHome.project().resolve("conf/log4j2.properties").toUri());
    List<String> command = new ArrayList<>(List.of(ChildProcess.java(), "-Xmx512m"));
    command.addAll(options);
    command.addAll(List.of("-cp", TestSparkHome.testClassPath()));
    command.add(TrainingOnExecutors.class.getName());
    command.add(held.toString());
    command.add(TestSparkHome.testClassPath());
    command.add(String.join(" ", options));
    return ChildProcess.start("driver", folder, spark.environment(), command);
  }
}
