package org.sparktune.jobs.workflow;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.DatasetChoice;
import org.sparktune.pipeline.spec.Reference;
import org.sparktune.pipeline.spec.Task;
import org.sparktune.pipeline.spec.TaskSpec;

/** Where tasks find what they read and put what they make. */
public final class TaskPaths {
  private final Path output;
  private final String checkpoints;

  /** The paths of a specification. */
  public TaskPaths(TaskSpec spec) {
    this.output = local(spec.output(), "output");
    this.checkpoints = spec.checkpoints();
  }

  /** The output folder. */
  public Path output() {
    return output;
  }

  /** The folder of a task. */
  public Path folder(String task) {
    return output.resolve(task);
  }

  /** The folder of a training task's checkpoints: a path, or a URI of any Hadoop file system. */
  public String checkpoints(String task) {
    return hasSharedCheckpoints()
        ? checkpoints + "/" + task
        : folder(task).resolve("checkpoints").toString();
  }

  /** Whether checkpoints are kept elsewhere than in the task's folders. */
  boolean hasSharedCheckpoints() {
    return !checkpoints.isEmpty();
  }

  /** The model file or folder that a reference means. */
  public Path model(Reference reference) {
    if (reference instanceof Reference.TaskOutput made) {
      // A task writes the one or the other, as its base or its options are.
      Path gguf = folder(made.task()).resolve("model.gguf");
      return Files.exists(gguf) ? gguf : folder(made.task()).resolve("model");
    }
    return stored(reference, "base_model");
  }

  /** The PEFT folder that a reference means; nothing for null. */
  public Optional<Path> adapter(Reference reference) {
    if (reference == null) {
      return Optional.empty();
    }
    if (reference instanceof Reference.TaskOutput made) {
      return Optional.of(folder(made.task()).resolve("adapter"));
    }
    return Optional.of(stored(reference, "adapter"));
  }

  /** The folder of a reward model: an adapter, a model or a student; nothing for null. */
  public Optional<Path> rewardModel(Reference reference) {
    if (reference instanceof Reference.TaskOutput made) {
      Path student = student(made.task());
      if (Files.exists(student)) {
        return Optional.of(student);
      }
      // A task writes the one or the other, as 'train' says.
      Path adapter = folder(made.task()).resolve("adapter");
      return Optional.of(Files.exists(adapter) ? adapter : folder(made.task()).resolve("model"));
    }
    return Optional.ofNullable(reference).map(stored -> stored(stored, "reward.model"));
  }

  /** The folder of the student that a distill task makes. */
  public Path student(String task) {
    return folder(task).resolve("student");
  }

  /**
   * The dataset of a task, as text: a stored one may be on any Hadoop file system, and {@code @v3}
   * behind it names a version.
   */
  public String dataset(Task task, DatasetChoice choice) {
    if (choice instanceof DatasetChoice.Prepared prepared) {
      return prepared.source() instanceof Reference.TaskOutput made
          ? ownDataset(made.task()) + prepared.pin()
          : ((Reference.Stored) prepared.source()).path() + prepared.pin();
    }
    return ownDataset(task.name());
  }

  /** The dataset folder that a task makes itself. */
  public String ownDataset(String task) {
    return folder(task).resolve("dataset").toString();
  }

  private static Path stored(Reference reference, String key) {
    return local(((Reference.Stored) reference).path(), key);
  }

  private static Path local(String path, String key) {
    if (path.startsWith("file:/")) {
      return Path.of(URI.create(path));
    }
    if (path.contains(":/")) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "The '%s' %s is not a path of this machine.".formatted(key, path),
          "In this version models and outputs are on a local or mounted file system; datasets, their sources and 'checkpoints' may be elsewhere.");
    }
    return Path.of(path);
  }
}
