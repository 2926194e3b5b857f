package org.sparktune.trainer.run;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparktune.trainer.checkpoint.CheckpointStore;
import org.sparktune.trainer.checkpoint.RunDescription;
import org.sparktune.trainer.checkpoint.Snapshot;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.dataset.Cursor;
import org.sparktune.trainer.optim.ParameterLayout;

/** Saves where a run stands and what it has learnt, and brings both back. All ranks take part. */
final class RunStore {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final CheckpointStore checkpoints;

  RunStore(CheckpointStore checkpoints) {
    this.checkpoints = checkpoints;
  }

  /** Where a run goes on. */
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  record Restored(
      @JsonProperty("progress") Progress progress,
      @JsonProperty("cursor") Cursor cursor,
      @JsonProperty("rollouts") Map<String, Double> state) {

    /** Most runs have no further state, and their checkpoints no entry for it. */
    Restored {
      state = state == null ? Map.of() : new TreeMap<>(state);
    }
  }

  /** What a checkpoint must agree with to be resumed. */
  static RunDescription describe(SortedMap<String, String> identity, ParameterLayout layout) {
    List<RunDescription.Parameter> parameters = new ArrayList<>();
    for (ParameterLayout.Entry entry : layout.entries()) {
      List<Long> shape = new ArrayList<>();
      for (long dimension : entry.shape()) {
        shape.add(dimension);
      }
      parameters.add(new RunDescription.Parameter(entry.name(), shape));
    }
    return new RunDescription(identity, parameters);
  }

  /**
   * Writes a checkpoint.
   *
   * @param state what the steps need to go on
   * @param vectors what this rank holds of parameters and optimizer state
   * @return where it is
   */
  String save(
      Progress progress, Cursor cursor, Map<String, Double> state, List<ShardedVector> vectors) {
    EvaluationMetrics evaluation = progress.lastEvaluation();
    boolean evaluatedHere = evaluation != null && evaluation.step() == progress.step();
    return checkpoints.save(
        new Snapshot(
            progress.step(),
            evaluatedHere ? evaluation.loss() : null,
            JSON.valueToTree(new Restored(progress, cursor, state))),
        vectors);
  }

  /**
   * Fills the vectors from the newest valid checkpoint, if there is one.
   *
   * @throws org.sparktune.core.SparktuneException {@code MISMATCH} when it belongs to another run
   */
  Optional<Restored> restore(List<ShardedVector> vectors) {
    return checkpoints.restore(vectors).map(RunStore::read);
  }

  /** The newest checkpoint's name, for messages. */
  String newestName() {
    return checkpoints.newestName();
  }

  private static Restored read(Snapshot snapshot) {
    try {
      return JSON.treeToValue(snapshot.state(), Restored.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A checkpoint with a good checksum must be readable", e);
    }
  }
}
