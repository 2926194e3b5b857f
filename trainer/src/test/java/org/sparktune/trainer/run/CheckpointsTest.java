package org.sparktune.trainer.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.dataset.Cursor;

class CheckpointsTest {
  private static final Map<String, Checkpoints.FileWriter> FILES =
      Map.of(
          "parameters.safetensors", path -> Files.writeString(path, "parameters"),
          "optimizer.safetensors", path -> Files.writeString(path, "moments"));

  @TempDir private Path folder;

  @Test
  void shouldReturnWhatWasWritten() {
    Checkpoints checkpoints = new Checkpoints(folder, 2);
    assertTrue(checkpoints.newestValid().isEmpty());
    checkpoints.write(state(5), FILES, 100);
    Path path = checkpoints.write(state(10), FILES, 100);
    Checkpoints.Checkpoint newest = checkpoints.newestValid().orElseThrow();
    assertEquals(path, newest.path());
    assertEquals("step-00000010", path.getFileName().toString());
    assertEquals(state(10).progress(), newest.state().progress());
    assertEquals(state(10).cursor(), newest.state().cursor());
    assertEquals(state(10).identity(), newest.state().identity());
    assertEquals(state(10).layout(), newest.state().layout());
    assertEquals(10, newest.state().files().get("parameters.safetensors").bytes());
  }

  @Test
  void shouldRefuseToStartWhatTheDiskCannotHold() throws IOException {
    new Checkpoints(folder, 2).write(state(5), FILES, 100);
    Checkpoints full = new Checkpoints(folder, 2, path -> 1000);
    SparktuneException e =
        assertThrows(SparktuneException.class, () -> full.write(state(6), FILES, 1 << 20));
    assertEquals(ErrorCode.RESOURCES, e.code());
    assertTrue(e.getMessage().contains("1,000 are free"), e.getMessage());
    assertTrue(e.hint().contains("step-00000005"), e.hint());
    assertEquals(List.of("step-00000005"), names());
  }

  @Test
  void shouldLeaveNothingWhenWritingFails() throws IOException {
    Checkpoints checkpoints = new Checkpoints(folder, 2);
    checkpoints.write(state(5), FILES, 100);
    Map<String, Checkpoints.FileWriter> failing =
        new TreeMap<>(
            Map.of(
                "a",
                path -> Files.writeString(path, "written before the disk was full"),
                "b",
                path -> {
                  Files.writeString(path, "half");
                  throw new IOException("No space left on device");
                }));
    SparktuneException e =
        assertThrows(SparktuneException.class, () -> checkpoints.write(state(6), failing, 100));
    assertEquals(ErrorCode.RESOURCES, e.code());
    assertTrue(e.hint().contains("step-00000005"), e.hint());
    assertEquals(List.of("step-00000005"), names());
    assertEquals(5, checkpoints.newestValid().orElseThrow().state().progress().step());
  }

  @Test
  void shouldRemoveWhatAKilledProcessLeft() throws IOException {
    Path left = folder.resolve("step-00000004.tmp");
    Files.createDirectories(left);
    Files.writeString(left.resolve("parameters.safetensors"), "half");
    Checkpoints checkpoints = new Checkpoints(folder, 2);
    assertTrue(checkpoints.newestValid().isEmpty());
    checkpoints.write(state(5), FILES, 100);
    assertEquals(List.of("step-00000005"), names());
  }

  @Test
  void shouldPassOverWhatIsNotWhole() throws IOException {
    Checkpoints checkpoints = new Checkpoints(folder, 9);
    for (int step = 1; step <= 6; step++) {
      checkpoints.write(state(step), FILES, 100);
    }
    Files.delete(folder.resolve("step-00000006/state.json"));
    Files.writeString(folder.resolve("step-00000005/state.json"), "{");
    Files.delete(folder.resolve("step-00000004/optimizer.safetensors"));
    Files.writeString(folder.resolve("step-00000003/optimizer.safetensors"), "momentS");
    Files.writeString(folder.resolve("step-00000002/optimizer.safetensors"), "moment");
    assertEquals(1, checkpoints.newestValid().orElseThrow().state().progress().step());
    // The damaged one is written anew when the run comes there again.
    checkpoints.write(state(3), FILES, 100);
    assertEquals(3, checkpoints.newestValid().orElseThrow().state().progress().step());
  }

  @Test
  void shouldRefuseANewerVersion() throws IOException {
    Checkpoints checkpoints = new Checkpoints(folder, 2);
    Path path = checkpoints.write(state(5), FILES, 100).resolve("state.json");
    Files.writeString(
        path, Files.readString(path).replace("\"format_version\" : 1", "\"format_version\" : 7"));
    SparktuneException e = assertThrows(SparktuneException.class, checkpoints::newestValid);
    assertEquals(ErrorCode.UNSUPPORTED, e.code());
    assertFalse(e.hint().isEmpty());
  }

  private static CheckpointState state(long step) {
    return new CheckpointState(
        CheckpointState.FORMAT_VERSION,
        new Progress(step, 77, 1.25, 1e-3, new EvaluationMetrics(4, 2.5, Math.exp(2.5), 99), null),
        new Cursor(1, 2, 3, 4),
        new TreeMap<>(Map.of("model", "sha256:base", "seed", "3")),
        List.of(new CheckpointState.Parameter("w", List.of(2L, 3L))),
        new TreeMap<>());
  }

  private List<String> names() throws IOException {
    try (var found = Files.list(folder)) {
      return found.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }
}
