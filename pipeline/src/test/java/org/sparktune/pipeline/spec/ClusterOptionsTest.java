package org.sparktune.pipeline.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.pipeline.spec.ClusterOptions.Transport;
import org.sparktune.pipeline.spec.ClusterOptions.Wire;

class ClusterOptionsTest {
  private static final String TASKS =
      """
      name: many
      output: out
      tasks: [{name: a, task_type: full_ft, base_model: base.gguf, dataset: raw.jsonl}]
      """;

  @TempDir Path folder;

  @Test
  void shouldTrainOnOneExecutorUnlessToldOtherwise() throws IOException {
    assertEquals(
        new ClusterOptions(1, 1, Transport.AUTO, Wire.FP32, 1408, "", 30, 120, 3),
        load(TASKS).cluster());
  }

  @Test
  void shouldReadEveryOption() throws IOException {
    String text =
        TASKS
            + """
            executors: 4
            min_executors: 2
            cluster:
              transport: udp
              wire: bf16
              mtu: 8992
              media_driver: /dev/shm/aeron
              peer_timeout_seconds: 7
              executor_wait_seconds: 0
              max_attempts: 5
            """;
    assertEquals(
        new ClusterOptions(4, 2, Transport.UDP, Wire.BF16, 8992, "/dev/shm/aeron", 7, 0, 5),
        load(text).cluster());
  }

  @Test
  void shouldTakeOptionsFromTheCommandLine() throws IOException {
    ClusterOptions options = load(TASKS, "executors=3", "cluster.transport=ipc").cluster();

    assertEquals(3, options.executors());
    assertEquals(3, options.minExecutors(), "all of them unless fewer are allowed");
    assertEquals(Transport.IPC, options.transport());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "executors: 0 | 4:12 | 1 to 4096",
        "executors: some | 4:12 | whole number",
        "min_executors: 2 | 4:16 | more than 'executors'",
        "cluster: udp | 4:10 | must be a mapping",
        "cluster: {transport: upd} | 4:22 | 'udp'",
        "cluster: {mtu: 1400} | 4:16 | Use 1376",
        "cluster: {mtu: 70000} | 4:16 | 256 to 65504",
        "cluster: {peer_timeout: 3} | 4:11 | 'peer_timeout_seconds'"
      })
  void shouldReportAProblemWithItsPlace(String line, String place, String expected)
      throws IOException {
    SpecException thrown = assertThrows(SpecException.class, () -> load(TASKS + line + "\n"));

    assertEquals(1, thrown.problems().size(), thrown.getMessage());
    Location location = thrown.problems().get(0).location();
    assertEquals(place, location.line() + ":" + location.column());
    assertTrue(thrown.getMessage().contains(expected), thrown.getMessage());
  }

  private TaskSpec load(String text, String... overrides) throws IOException {
    Files.writeString(folder.resolve("base.gguf"), "model");
    Files.writeString(folder.resolve("raw.jsonl"), "{}");
    Path file = Files.writeString(folder.resolve("spec.yaml"), text);
    return SpecLoader.load(file, new SpecLoader.Request(List.of(overrides), null, true, folder))
        .spec();
  }
}
