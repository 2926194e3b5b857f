package org.sparktune.trainer.run;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.dataset.Cursor;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.optim.AdamW;

/** Saves what a run has learnt so far and brings it back: parameters, moments, place. */
final class RunStore {
  private static final Logger LOG = LoggerFactory.getLogger(RunStore.class);
  private static final String PARAMETERS = "parameters.safetensors";
  private static final String OPTIMIZER = "optimizer.safetensors";

  private final Trainable trainable;
  private final AdamW optimizer;
  private final SortedMap<String, String> identity;
  private final Checkpoints checkpoints;

  RunStore(
      Trainable trainable,
      AdamW optimizer,
      SortedMap<String, String> identity,
      Checkpoints checkpoints) {
    this.trainable = trainable;
    this.optimizer = optimizer;
    this.identity = Collections.unmodifiableSortedMap(identity);
    this.checkpoints = checkpoints;
  }

  /** Where a run goes on. */
  record Restored(Progress progress, Cursor cursor) {}

  /** Writes a checkpoint and returns its folder. */
  Path save(Progress progress, Cursor cursor) {
    CheckpointState state =
        new CheckpointState(
            CheckpointState.FORMAT_VERSION,
            progress,
            cursor,
            identity,
            CheckpointState.describe(trainable.layout()),
            new TreeMap<>());
    Map<String, Checkpoints.FileWriter> files = new LinkedHashMap<>();
    files.put(PARAMETERS, path -> TensorFile.write(path, parameters()));
    files.put(OPTIMIZER, path -> TensorFile.write(path, moments()));
    return checkpoints.write(state, files, 3 * trainable.parameters().byteSize());
  }

  /**
   * Fills parameters and moments from the newest valid checkpoint, if there is one.
   *
   * @throws SparktuneException {@link ErrorCode#MISMATCH} when it belongs to another run
   */
  Optional<Restored> restore() {
    Optional<Checkpoints.Checkpoint> newest = checkpoints.newestValid();
    if (newest.isEmpty()) {
      return Optional.empty();
    }
    Path path = newest.get().path();
    CheckpointState state = newest.get().state();
    state.requireSame(path.toString(), identity, CheckpointState.describe(trainable.layout()));
    try {
      TensorFile.read(path.resolve(PARAMETERS), parameters());
      TensorFile.read(path.resolve(OPTIMIZER), moments());
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The checkpoint %s cannot be read (%s).".formatted(path, e.getMessage()),
          "Remove its folder to go on from the one before.",
          e);
    }
    optimizer.restore(state.progress().step());
    trainable.parametersChanged();
    LOG.info("going on from {}", path);
    return Optional.of(new Restored(state.progress(), state.cursor()));
  }

  /** The newest checkpoint's name, for messages. */
  String newestName() {
    return checkpoints.newestName();
  }

  private Map<String, Tensor> parameters() {
    return TensorFile.tensors(trainable.layout(), trainable.parameters(), "");
  }

  private Map<String, Tensor> moments() {
    Map<String, Tensor> moments = new LinkedHashMap<>();
    moments.putAll(TensorFile.tensors(trainable.layout(), optimizer.firstMoments(), ".exp_avg"));
    moments.putAll(
        TensorFile.tensors(trainable.layout(), optimizer.secondMoments(), ".exp_avg_sq"));
    return moments;
  }
}
