package org.sparktune.trainer.checkpoint;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * What a run and its checkpoints must have in common. The number of ranks is not in it.
 *
 * @param identity all that decides the result's bits, by name
 * @param layout the parameters' names and shapes in order
 */
public record RunDescription(SortedMap<String, String> identity, List<Parameter> layout) {
  /** Versions differ in what they hold for part of a run, so a task may be blameless. */
  private static final String OTHER_VERSION =
      " If the task is as it was, another version of sparktune wrote the checkpoint, and only that"
          + " one can resume it.";

  /** A parameter's name and shape. */
  public record Parameter(
      @JsonProperty("name") String name, @JsonProperty("shape") List<Long> shape) {}

  /** Copies both. */
  public RunDescription {
    identity = Collections.unmodifiableSortedMap(new TreeMap<>(identity));
    layout = List.copyOf(layout);
  }

  /**
   * Refuses to go on from a checkpoint of another run.
   *
   * @param where the checkpoint's name for the message
   * @throws SparktuneException {@link ErrorCode#MISMATCH} that names every difference
   */
  void requireSame(String where, RunDescription stored) {
    List<String> differences = new ArrayList<>();
    boolean sameEntries = identity.keySet().equals(stored.identity().keySet());
    for (Map.Entry<String, String> entry : identity.entrySet()) {
      String before = stored.identity().get(entry.getKey());
      if (before == null) {
        differences.add("%s was not set and is now %s".formatted(entry.getKey(), entry.getValue()));
      } else if (!entry.getValue().equals(before)) {
        differences.add(
            "%s was %s and is now %s".formatted(entry.getKey(), before, entry.getValue()));
      }
    }
    for (Map.Entry<String, String> entry : stored.identity().entrySet()) {
      if (!identity.containsKey(entry.getKey())) {
        differences.add("%s was %s and is now not set".formatted(entry.getKey(), entry.getValue()));
      }
    }
    if (differences.isEmpty() && !layout.equals(stored.layout())) {
      differences.add(
          "its %d parameters have other names or shapes than the model's %d"
              .formatted(stored.layout().size(), layout.size()));
    }
    if (!differences.isEmpty()) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The checkpoint %s belongs to another run: %s."
              .formatted(where, String.join("; ", differences)),
          "Go back to those values to resume it, or choose another output folder."
              + (sameEntries ? "" : OTHER_VERSION));
    }
  }
}
