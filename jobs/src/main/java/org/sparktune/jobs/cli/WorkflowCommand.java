package org.sparktune.jobs.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.sparktune.jobs.plan.Planner;
import org.sparktune.jobs.plan.WorkflowPlan;
import org.sparktune.jobs.task.SparkHolder;
import org.sparktune.jobs.task.TaskRunner;
import org.sparktune.jobs.workflow.TaskOutcome;
import org.sparktune.jobs.workflow.Workflow;
import org.sparktune.pipeline.spec.SpecLoader;
import org.sparktune.pipeline.spec.Task;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Runs tasks of a specification: what run, prepare and train share. */
abstract class WorkflowCommand extends BaseCommand {
  @Mixin private SpecOptions specOptions;

  @Mixin private SparkOptions sparkOptions;

  @Option(
      names = "--dry-run",
      description = {
        "Show what would happen and change nothing: tasks, files, tokens, steps, memory, time,",
        "and a sample as the model will see it."
      })
  private boolean dryRun;

  @Option(names = "--json", description = "Print the plan or the results as JSON.")
  private boolean json;

  WorkflowCommand(Console console) {
    super(console);
  }

  /** Which tasks are wanted; what they depend on runs too. */
  abstract Predicate<Task> wanted();

  @Override
  final void run() {
    SpecLoader.Loaded loaded = specOptions.load(console(), true);
    Workflow workflow =
        Workflow.of(loaded, BuildInfo.version(), wanted(), sparkOptions.settings().hadoop());
    Planner planner = new Planner(workflow);
    if (dryRun) {
      WorkflowPlan plan = planner.plan();
      if (json) {
        printIndentedJson(plan);
      } else {
        new PlanPrinter(console().out()).print(plan);
      }
      plan.requireFits();
      return;
    }
    workflow.requireUsableOutput();
    planner.requireMemory(sparkOptions.settings().isOneProcess());
    showResult(workflow, execute(loaded, workflow));
  }

  private List<TaskOutcome> execute(SpecLoader.Loaded loaded, Workflow workflow) {
    try (SparkHolder spark =
            new SparkHolder(
                sparkOptions.settings(),
                "sparktune " + loaded.spec().name(),
                loaded.spec().cluster().executors());
        TrainingProgress progress = new TrainingProgress(console())) {
      GracefulStop.install(
          console().err(),
          "Stopping; a training writes a checkpoint at its next step.",
          spark::cancelPreparation);
      TaskRunner runner = new TaskRunner(loaded.spec(), workflow.paths(), spark, task -> progress);
      return workflow.run(runner, new WorkflowProgress(console().err()));
    }
  }

  private void showResult(Workflow workflow, List<TaskOutcome> outcomes) {
    if (json) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("output", workflow.paths().output().location());
      result.put("tasks", outcomes);
      printJson(result);
      return;
    }
    console().out().printf("Output: %s%n", workflow.paths().output());
    for (TaskOutcome outcome : outcomes) {
      console()
          .out()
          .printf(
              "  %-14s %-14s %s%n",
              outcome.task(), outcome.type(), WorkflowProgress.words(outcome.result()));
    }
  }
}
