package org.sparktune.jobs.training;

import java.io.Serializable;
import java.util.Map;
import org.sparktune.core.Fingerprint;
import org.sparktune.pipeline.spec.Task;

/**
 * What the driver sends to the executor that trains: words and paths, never data.
 *
 * @param task the task
 * @param model the base model's file or folder
 * @param initAdapter the adapter to start from, or null
 * @param rewardModel the adapter or model that scores what the task samples, or null
 * @param dataset the prepared dataset's folder or URI
 * @param folder the task's folder, which the executor writes to
 * @param checkpoints the folder of the task's checkpoints, a path or URI
 * @param hadoop the settings of the Hadoop file systems that differ from their defaults
 */
public record TrainingRequest(
    Task.Training task,
    String model,
    String initAdapter,
    String rewardModel,
    String dataset,
    String folder,
    String checkpoints,
    Map<String, String> hadoop)
    implements Serializable {

  /** Of everything that a rank is asked to do; the file systems' settings may hold secrets. */
  String fingerprint() {
    return new Fingerprint()
        .add(task.toString())
        .add(model)
        .add(String.valueOf(initAdapter))
        .add(String.valueOf(rewardModel))
        .add(dataset)
        .add(folder)
        .add(checkpoints)
        .finish();
  }
}
