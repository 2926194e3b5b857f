package org.sparktune.jobs.cli;

import java.util.function.Predicate;
import org.sparktune.pipeline.spec.Task;
import picocli.CommandLine.Command;

/** {@code sparktune prepare}. */
@Command(name = "prepare", description = "Run the prepare tasks of a workflow.")
final class PrepareCommand extends WorkflowCommand {
  PrepareCommand(Console console) {
    super(console);
  }

  @Override
  Predicate<Task> wanted() {
    return task -> task instanceof Task.Prepare;
  }
}
