package org.sparktune.trainer.run;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.trainer.dataset.Cursor;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.SafetensorsFile;
import org.sparktune.trainer.modelfile.SafetensorsWriter;
import org.sparktune.trainer.optim.AdamW;
import org.sparktune.trainer.optim.ParameterLayout;
import org.sparktune.trainer.optim.Trainable;

/** Saves what a run has learnt so far and brings it back: parameters, moments, place. */
final class RunStore {
  private static final Logger LOG = LoggerFactory.getLogger(RunStore.class);
  private static final String PARAMETERS = "parameters.safetensors";
  private static final String OPTIMIZER = "optimizer.safetensors";

  private final Trainable<?> trainable;
  private final AdamW optimizer;
  private final SortedMap<String, String> identity;
  private final Checkpoints checkpoints;

  RunStore(
      Trainable<?> trainable,
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
    files.put(PARAMETERS, path -> SafetensorsWriter.write(path, parameters()));
    files.put(OPTIMIZER, path -> SafetensorsWriter.write(path, moments()));
    return checkpoints.write(state, files, 3 * trainable.parameters().byteSize());
  }

  /**
   * Fills parameters and moments from the newest valid checkpoint, if there is one.
   *
   * @throws org.sparktune.core.SparktuneException {@code MISMATCH} when it belongs to another run
   */
  Optional<Restored> restore() {
    Optional<Checkpoints.Checkpoint> newest = checkpoints.newestValid();
    if (newest.isEmpty()) {
      return Optional.empty();
    }
    Path path = newest.get().path();
    CheckpointState state = newest.get().state();
    state.requireSame(path.toString(), identity, CheckpointState.describe(trainable.layout()));
    read(path.resolve(PARAMETERS), parameters());
    read(path.resolve(OPTIMIZER), moments());
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
    return named(trainable.parameters(), "");
  }

  private Map<String, Tensor> moments() {
    Map<String, Tensor> moments = new TreeMap<>(named(optimizer.firstMoments(), ".exp_avg"));
    moments.putAll(named(optimizer.secondMoments(), ".exp_avg_sq"));
    return moments;
  }

  /** The pieces of a flat vector by parameter. */
  private Map<String, Tensor> named(Tensor vector, String suffix) {
    Map<String, Tensor> pieces = new TreeMap<>();
    for (ParameterLayout.Entry entry : trainable.layout().entries()) {
      pieces.put(entry.name() + suffix, vector.view(entry.offset(), entry.shape()));
    }
    return pieces;
  }

  private static void read(Path path, Map<String, Tensor> tensors) {
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      tensors.forEach(file::read);
    }
  }
}
