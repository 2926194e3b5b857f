package org.sparktune.jobs.cli;

import java.util.function.Predicate;
import org.sparktune.pipeline.spec.Task;
import picocli.CommandLine.Command;

/** {@code sparktune train}. */
@Command(
    name = "train",
    description = "Run the training tasks of a workflow, and what they depend on.")
final class TrainCommand extends WorkflowCommand {
  TrainCommand(Console console) {
    super(console);
  }

  @Override
  Predicate<Task> wanted() {
    return task -> task instanceof Task.Training || task instanceof Task.Distill;
  }
}
