package org.sparktune.jobs.workflow;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.InputGuard;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.storage.Place;
import org.sparktune.jobs.training.StopSignal;
import org.sparktune.pipeline.prepare.StreamPreparation;
import org.sparktune.pipeline.spec.SpecLoader;
import org.sparktune.pipeline.spec.Task;
import org.sparktune.pipeline.spec.TaskSpec;
import org.sparktune.trainer.dataset.DatasetFolder;

/**
 * Runs the tasks of a specification in order. A task that is done with the same inputs is skipped;
 * one that was interrupted goes on; a folder that belongs to something else is refused before
 * anything is spent.
 */
public final class Workflow {
  private final SpecLoader.Loaded loaded;
  private final List<Task> tasks;
  private final String version;
  private final TaskPaths paths;
  private Map<String, String> fingerprints;

  private Workflow(
      SpecLoader.Loaded loaded, List<Task> tasks, String version, Configuration hadoop) {
    this.loaded = loaded;
    this.tasks = tasks;
    this.version = version;
    this.paths = new TaskPaths(loaded.spec(), hadoop);
    this.fingerprints = Fingerprints.of(loaded.spec(), paths);
  }

  /**
   * A workflow of some tasks and all that they depend on.
   *
   * @param version of sparktune, written into the marks
   * @param wanted which tasks
   * @param hadoop settings of the file systems
   * @throws SparktuneException {@code USAGE} if the specification has none of them
   */
  public static Workflow of(
      SpecLoader.Loaded loaded, String version, Predicate<Task> wanted, Configuration hadoop) {
    Set<String> needed = new HashSet<>();
    List<Task> tasks = new ArrayList<>(loaded.spec().tasks());
    Collections.reverse(tasks);
    // Backwards, so that a task is seen after all that need it.
    tasks.removeIf(
        task -> {
          boolean kept = wanted.test(task) || needed.contains(task.name());
          if (kept) {
            needed.addAll(task.dependencies());
          }
          return !kept;
        });
    Collections.reverse(tasks);
    if (tasks.isEmpty()) {
      throw new SparktuneException(
          ErrorCode.USAGE,
          "The specification '%s' has no task for this command.".formatted(loaded.spec().name()),
          "Use 'sparktune run' to run all of its tasks.");
    }
    return new Workflow(loaded, List.copyOf(tasks), version, hadoop);
  }

  /** The tasks in order. */
  public List<Task> tasks() {
    return tasks;
  }

  /** The whole specification. */
  public TaskSpec spec() {
    return loaded.spec();
  }

  /** Where everything is. */
  public TaskPaths paths() {
    return paths;
  }

  /** Whether a task is done with the same inputs. */
  public boolean isDone(Task task) {
    return done(task).isPresent();
  }

  /**
   * Refuses an output folder, or a task folder in it, that holds something else. Changes nothing.
   *
   * @throws SparktuneException {@code OUTPUT}
   */
  public void requireUsableOutput() {
    paths.output().local().ifPresent(this::requireApartFromInputs);
    OutputFolder.requireUsable(paths.output());
    for (Task task : tasks) {
      requireSameTask(task);
    }
  }

  private void requireApartFromInputs(Path output) {
    for (Task task : tasks) {
      for (String source : InputPaths.sources(task)) {
        InputPaths.local(source).ifPresent(path -> InputGuard.requireApart(output, path));
      }
    }
  }

  /** Runs every task that is not done. */
  public List<TaskOutcome> run(TaskExecutor executor, WorkflowListener listener) {
    requireUsableOutput();
    List<TaskOutcome> outcomes = new ArrayList<>();
    try (OutputFolder output = OutputFolder.open(paths.output())) {
      boolean fresh = output.writeSpec(loaded.text());
      try {
        for (Task task : tasks) {
          StopSignal.check("The run");
          outcomes.add(run(task, executor, listener));
        }
      } catch (RuntimeException | Error e) {
        if (fresh && noTaskLeftAnything()) {
          output.deleteSpec();
        }
        throw e;
      }
    }
    return outcomes;
  }

  private TaskOutcome run(Task task, TaskExecutor executor, WorkflowListener listener) {
    requireSameTask(task);
    Optional<TaskMark> done = done(task);
    if (done.isPresent()) {
      listener.skipped(task);
      return outcome(task, true, done.get().seconds(), done.get().result());
    }
    Place folder = paths.folder(task.name());
    boolean resumed = TaskMark.read(folder, TaskMark.STARTED).isPresent();
    folder.makeFolder();
    mark(task, 0, Map.of()).write(folder, TaskMark.STARTED);
    listener.started(task, resumed);
    long start = System.nanoTime();
    try {
      Map<String, Object> result = executor.execute(task, folder);
      double seconds = (System.nanoTime() - start) / 1e9;
      mark(task, seconds, result).write(folder, TaskMark.DONE);
      if (hasVersions(task)) {
        // What reads its dataset may read another version than before.
        fingerprints = Fingerprints.of(loaded.spec(), paths);
      }
      TaskOutcome outcome = outcome(task, false, seconds, result);
      listener.finished(outcome);
      return outcome;
    } catch (RuntimeException | Error e) {
      if (!isWorthKeeping(folder, e)) {
        folder.delete();
      }
      throw e;
    }
  }

  /**
   * A failed task's folder stays only for what helps: a checkpoint to go on from, or the record of
   * a divergence.
   */
  private boolean isWorthKeeping(Place folder, Throwable failure) {
    boolean diverged =
        failure instanceof SparktuneException known && known.code() == ErrorCode.DIVERGED;
    return diverged
        || paths.hasSharedCheckpoints()
        || folder.child("checkpoints").isFolder()
        || isDataset(folder.child("dataset"));
  }

  /** A dataset, or what a stream needs to go on with one. */
  private boolean isDataset(Place folder) {
    return folder.child(StreamPreparation.CHECKPOINT).exists()
        || DatasetFolder.isDataset(folder.location(), paths.hadoop());
  }

  private static boolean hasVersions(Task task) {
    return task instanceof Task.Prepare prepare && prepare.arrival().versioned();
  }

  private Optional<TaskMark> done(Task task) {
    if (hasVersions(task)) {
      // Only a look at its files tells whether there is something new.
      return Optional.empty();
    }
    return TaskMark.read(paths.folder(task.name()), TaskMark.DONE)
        .filter(mark -> mark.fingerprint().equals(fingerprints.get(task.name())));
  }

  private void requireSameTask(Task task) {
    Place folder = paths.folder(task.name());
    if (!folder.exists()) {
      return;
    }
    Optional<TaskMark> mark = TaskMark.read(folder, TaskMark.STARTED);
    if (mark.isEmpty() || !mark.get().fingerprint().equals(fingerprints.get(task.name()))) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          mark.isEmpty()
              ? "The folder %s of task '%s' exists and is not sparktune's."
                  .formatted(folder, task.name())
              : "The folder %s holds task '%s' as run with other values or inputs."
                  .formatted(folder, task.name()),
          "Name another output with --output, or delete that folder to run the task again; a task that names a version of its dataset (@v1) stays as it is when there are new ones.");
    }
  }

  private boolean noTaskLeftAnything() {
    return loaded.spec().tasks().stream().noneMatch(task -> paths.folder(task.name()).exists());
  }

  private TaskMark mark(Task task, double seconds, Map<String, Object> result) {
    return new TaskMark(
        task.name(), task.type().word(), fingerprints.get(task.name()), version, seconds, result);
  }

  private TaskOutcome outcome(
      Task task, boolean skipped, double seconds, Map<String, Object> result) {
    return new TaskOutcome(
        task.name(),
        task.type().word(),
        skipped,
        paths.folder(task.name()).location(),
        seconds,
        result);
  }
}
