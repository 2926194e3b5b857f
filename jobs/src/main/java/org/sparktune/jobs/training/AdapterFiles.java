package org.sparktune.jobs.training;

import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.checkpoint.CheckpointList;
import org.sparktune.trainer.checkpoint.CheckpointWeights;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.model.AdapterExchange;
import org.sparktune.trainer.modelfile.AdapterConfig;
import org.sparktune.trainer.modelfile.PeftAdapter;
import org.sparktune.trainer.modelfile.export.GgufLoraReader;

/** Reads adapters in every form that they are kept in. */
public final class AdapterFiles {
  private AdapterFiles() {}

  /**
   * Reads a PEFT folder, a GGUF LoRA, or a checkpoint of a training that made one.
   *
   * @param arena holds the tensors
   * @throws SparktuneException {@code BAD_FILE} if it is broken, {@code MISMATCH} if it does not
   *     fit the model, {@code UNSUPPORTED} for a checkpoint of a whole model
   */
  public static PeftAdapter read(Path path, OpenModel model, Arena arena) {
    PeftAdapter adapter;
    if (Files.isRegularFile(path)) {
      adapter = GgufLoraReader.read(path, model.config(), arena);
    } else if (CheckpointWeights.isCheckpoint(path.toString(), new Configuration())) {
      adapter = ofCheckpoint(path, model, arena);
    } else {
      requireNoListOfCheckpoints(path);
      adapter = PeftAdapter.read(path, arena);
    }
    adapter.checkFits(model.file());
    return adapter;
  }

  private static PeftAdapter ofCheckpoint(Path path, OpenModel model, Arena arena) {
    CheckpointWeights weights = CheckpointWeights.read(path.toString(), new Configuration(), arena);
    String config = weights.identity().get(TrainingRunner.LORA);
    if (config == null) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "The checkpoint %s is of a task that trains the whole model, so it holds no adapter."
              .formatted(path),
          "Let the task end, and use the model that it writes.");
    }
    String trainedOn = weights.identity().get(TrainingRunner.BASE_MODEL);
    if (!model.fingerprint().equals(trainedOn)) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The checkpoint %s was made on another base model than %s."
              .formatted(path, model.file().path()),
          "Use the base model that its run names.");
    }
    return AdapterExchange.of(
        AdapterConfig.parse(path.resolve("state.json").toString(), config), weights.parameters());
  }

  private static void requireNoListOfCheckpoints(Path path) {
    if (!Files.isDirectory(path) || Files.exists(path.resolve(AdapterConfig.FILE_NAME))) {
      return;
    }
    CheckpointList list = CheckpointList.read(path.toString(), new Configuration());
    if (!list.checkpoints().isEmpty()) {
      throw new SparktuneException(
          ErrorCode.USAGE,
          "%s holds %d checkpoints.".formatted(path, list.checkpoints().size()),
          "Name one of them, such as %s/latest.".formatted(path));
    }
  }
}
