package org.sparktune.jobs.cli;

import java.util.function.Predicate;
import org.sparktune.pipeline.spec.Task;
import picocli.CommandLine.Command;

/** {@code sparktune run}. */
@Command(
    name = "run",
    description = "Run a workflow, from raw files to adapters: every task that is not done yet.")
final class RunCommand extends WorkflowCommand {
  RunCommand(Console console) {
    super(console);
  }

  @Override
  Predicate<Task> wanted() {
    return task -> true;
  }
}
