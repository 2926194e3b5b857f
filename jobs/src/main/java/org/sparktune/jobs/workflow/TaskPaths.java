package org.sparktune.jobs.workflow;

import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.jobs.storage.Place;
import org.sparktune.pipeline.spec.DatasetChoice;
import org.sparktune.pipeline.spec.Reference;
import org.sparktune.pipeline.spec.Task;
import org.sparktune.pipeline.spec.TaskSpec;

/** Where tasks find what they read and put what they make: paths, or URIs. */
public final class TaskPaths {
  private final Place output;
  private final String checkpoints;
  private final Configuration hadoop;

  /**
   * The paths of a specification.
   *
   * @param hadoop settings of the file systems
   */
  public TaskPaths(TaskSpec spec, Configuration hadoop) {
    this.output = Place.of(spec.output(), hadoop);
    this.checkpoints = spec.checkpoints();
    this.hadoop = hadoop;
  }

  /** Settings of the file systems. */
  public Configuration hadoop() {
    return hadoop;
  }

  /** The output folder. */
  public Place output() {
    return output;
  }

  /** The folder of a task. */
  public Place folder(String task) {
    return output.child(task);
  }

  /** The folder of a training task's checkpoints: a path, or a URI of any Hadoop file system. */
  public String checkpoints(String task) {
    return hasSharedCheckpoints()
        ? checkpoints + "/" + task
        : folder(task).child("checkpoints").location();
  }

  /** Whether checkpoints are kept elsewhere than in the task's folders. */
  boolean hasSharedCheckpoints() {
    return !checkpoints.isEmpty();
  }

  /** Whether what a reference means is there; of what no task makes, that is taken for granted. */
  public boolean isMade(Reference reference) {
    return !(reference instanceof Reference.TaskOutput)
        || Place.of(model(reference), hadoop).exists();
  }

  /** The model file or folder that a reference means. */
  public String model(Reference reference) {
    if (reference instanceof Reference.TaskOutput made) {
      // A task writes the one or the other, as its base or its options are.
      Place gguf = folder(made.task()).child("model.gguf");
      return gguf.exists() ? gguf.location() : folder(made.task()).child("model").location();
    }
    return stored(reference);
  }

  /** The PEFT folder, GGUF LoRA or checkpoint that a reference means; nothing for null. */
  public Optional<String> adapter(Reference reference) {
    if (reference == null) {
      return Optional.empty();
    }
    if (reference instanceof Reference.TaskOutput made) {
      return Optional.of(folder(made.task()).child("adapter").location());
    }
    return Optional.of(stored(reference));
  }

  /** The folder of a reward model: an adapter, a model or a student; nothing for null. */
  public Optional<String> rewardModel(Reference reference) {
    if (reference instanceof Reference.TaskOutput made) {
      Place student = student(made.task());
      if (student.exists()) {
        return Optional.of(student.location());
      }
      // A task writes the one or the other, as 'train' says.
      Place adapter = folder(made.task()).child("adapter");
      return Optional.of(
          adapter.exists() ? adapter.location() : folder(made.task()).child("model").location());
    }
    return Optional.ofNullable(reference).map(TaskPaths::stored);
  }

  /** The folder of the student that a distill task makes. */
  public Place student(String task) {
    return folder(task).child("student");
  }

  /**
   * The dataset of a task, as text: a stored one may be on any Hadoop file system, and {@code @v3}
   * behind it names a version.
   */
  public String dataset(Task task, DatasetChoice choice) {
    if (choice instanceof DatasetChoice.Prepared prepared) {
      return prepared.source() instanceof Reference.TaskOutput made
          ? ownDataset(made.task()) + prepared.pin()
          : stored(prepared.source()) + prepared.pin();
    }
    return ownDataset(task.name());
  }

  /** The dataset folder that a task makes itself. */
  public String ownDataset(String task) {
    return folder(task).child("dataset").location();
  }

  private static String stored(Reference reference) {
    return ((Reference.Stored) reference).path();
  }
}
