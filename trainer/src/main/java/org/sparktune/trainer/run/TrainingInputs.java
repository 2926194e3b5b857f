package org.sparktune.trainer.run;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.sparktune.trainer.checkpoint.CheckpointPlace;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.optim.Trainable;

/**
 * Everything a run needs.
 *
 * @param trainable what is trained; its parameters are overwritten when the run resumes
 * @param train the training split; closed by its owner, not by the run
 * @param validation the validation split, if there is one
 * @param options hyperparameters
 * @param identity whatever else decides the result's bits, by name: fingerprint of the base model,
 *     precision, LoRA rank and so on. A checkpoint is only resumed by a run with the same identity;
 *     a refusal names the entries that differ, with both values. Options, dataset and layout are
 *     added by the run itself.
 * @param taskFolder the task's output folder; {@code metrics.jsonl}, {@code samples.jsonl} and
 *     {@code control.json} live there. A run that goes on on another host has another one: what
 *     belongs there of the first rank's files comes from the checkpoint
 * @param checkpoints where checkpoints are
 * @param listener is told what happens
 * @param stopRequested asked between steps; when true the run writes a checkpoint and ends with
 *     {@link org.sparktune.core.ErrorCode#INTERRUPTED}
 * @param collective the ranks that train together; all of them have equal inputs but for {@code
 *     listener}, {@code stopRequested} and {@code resources}. Closed by its owner, not by the run
 * @param resources what this rank may take of its host
 */
public record TrainingInputs(
    Trainable<Batch> trainable,
    DatasetReader train,
    Optional<DatasetReader> validation,
    TrainingOptions options,
    Map<String, String> identity,
    Path taskFolder,
    CheckpointPlace checkpoints,
    TrainingListener listener,
    BooleanSupplier stopRequested,
    Collective collective,
    HostResources resources) {

  /** Copies the identity, sorted. */
  public TrainingInputs {
    identity = Map.copyOf(new TreeMap<>(identity));
  }
}
