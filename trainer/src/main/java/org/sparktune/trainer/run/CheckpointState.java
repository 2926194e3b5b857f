package org.sparktune.trainer.run;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.dataset.Cursor;
import org.sparktune.trainer.optim.ParameterLayout;

/**
 * {@code state.json} of a checkpoint: all that a run needs, besides parameters and moments, to go
 * on as if it had never stopped. There are no random states: everything random in a step follows
 * from the seed, the step and the micro-batch's index.
 *
 * @param formatVersion {@link #FORMAT_VERSION} when this version wrote it
 * @param progress where the run stood
 * @param cursor the next row of the training split
 * @param identity all that decides the result's bits, by name
 * @param layout the parameters' names and shapes in order
 * @param files size and SHA-256 of the other files in the folder
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record CheckpointState(
    @JsonProperty int formatVersion,
    @JsonProperty Progress progress,
    @JsonProperty Cursor cursor,
    @JsonProperty SortedMap<String, String> identity,
    @JsonProperty List<Parameter> layout,
    @JsonProperty SortedMap<String, FileDigest> files) {

  static final int FORMAT_VERSION = 1;

  /** A parameter's name and shape. */
  record Parameter(@JsonProperty("name") String name, @JsonProperty("shape") List<Long> shape) {}

  /** What a file must be. */
  record FileDigest(@JsonProperty("bytes") long bytes, @JsonProperty("sha256") String sha256) {}

  /** A layout as it is stored. */
  static List<Parameter> describe(ParameterLayout layout) {
    List<Parameter> parameters = new ArrayList<>();
    for (ParameterLayout.Entry entry : layout.entries()) {
      List<Long> shape = new ArrayList<>();
      for (long dimension : entry.shape()) {
        shape.add(dimension);
      }
      parameters.add(new Parameter(entry.name(), shape));
    }
    return parameters;
  }

  /**
   * Refuses a run that would not go on where this checkpoint stopped.
   *
   * @param where the checkpoint's name for the message
   * @throws SparktuneException {@link ErrorCode#MISMATCH} that names every difference
   */
  void requireSame(String where, SortedMap<String, String> runIdentity, List<Parameter> runLayout) {
    List<String> differences = new ArrayList<>();
    for (Map.Entry<String, String> entry : runIdentity.entrySet()) {
      String stored = identity.get(entry.getKey());
      if (!entry.getValue().equals(stored)) {
        differences.add(
            "%s was %s and is now %s".formatted(entry.getKey(), stored, entry.getValue()));
      }
    }
    for (String name : identity.keySet()) {
      if (!runIdentity.containsKey(name)) {
        differences.add("%s was %s and is now not set".formatted(name, identity.get(name)));
      }
    }
    if (differences.isEmpty() && !layout.equals(runLayout)) {
      differences.add(
          "its %d parameters have other names or shapes than the model's %d"
              .formatted(layout.size(), runLayout.size()));
    }
    if (!differences.isEmpty()) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The checkpoint %s belongs to another run: %s."
              .formatted(where, String.join("; ", differences)),
          "Go back to those values to resume it, or choose another output folder.");
    }
  }
}
