package org.sparktune.trainer.run;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
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
  record Restored(
      @JsonProperty("progress") Progress progress, @JsonProperty("cursor") Cursor cursor) {}

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
   * @param vectors what this rank holds of parameters and optimizer state
   * @return where it is
   */
  String save(Progress progress, Cursor cursor, List<ShardedVector> vectors) {
    EvaluationMetrics evaluation = progress.lastEvaluation();
    boolean evaluatedHere = evaluation != null && evaluation.step() == progress.step();
    return checkpoints.save(
        new Snapshot(
            progress.step(),
            evaluatedHere ? evaluation.loss() : null,
            JSON.valueToTree(new Restored(progress, cursor))),
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
