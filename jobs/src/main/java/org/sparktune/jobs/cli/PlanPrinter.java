package org.sparktune.jobs.cli;

import java.io.PrintStream;
import org.sparktune.jobs.plan.DataEstimate;
import org.sparktune.jobs.plan.TaskPlan;
import org.sparktune.jobs.plan.WorkflowPlan;

/** Prints a plan for people. */
final class PlanPrinter {
  private static final double GIBIBYTE = 1L << 30;
  private static final double MEBIBYTE = 1L << 20;

  private final PrintStream out;

  PlanPrinter(PrintStream out) {
    this.out = out;
  }

  void print(WorkflowPlan plan) {
    out.printf("Plan of '%s', nothing is changed. Output: %s%n", plan.name(), plan.output());
    out.printf(
        "Machine: %.1f GiB of memory available; %s, measured at %.0f GFLOP/s%n",
        plan.availableMemoryBytes() / GIBIBYTE, plan.engine(), plan.gflops());
    int number = 1;
    for (TaskPlan task : plan.tasks()) {
      out.printf(
          "%n%d. %s (%s)%s%n",
          number++, task.task(), task.type(), task.done() ? ": done before, would be skipped" : "");
      printDetails(plan, task);
    }
  }

  private void printDetails(WorkflowPlan plan, TaskPlan task) {
    if (task.model() != null) {
      out.printf("   model     %s%n", task.model());
    }
    if (task.data() != null) {
      print(task.data());
    }
    if (task.steps() != null) {
      out.printf(
          "   training  %,d steps over %,d tokens; %,d trained parameters%n",
          task.steps(), task.tokens(), task.trainedParameters());
    }
    if (task.memoryBytes() != null) {
      boolean fits = task.memoryBytes() <= plan.availableMemoryBytes();
      out.printf(
          "   memory    %.2f GiB, %s (%s)%n",
          task.memoryBytes() / GIBIBYTE, fits ? "fits" : "DOES NOT FIT", task.memory());
    }
    if (task.seconds() != null) {
      out.printf("   time      about %s%n", duration(task.seconds()));
    }
  }

  private void print(DataEstimate data) {
    if (data.exact()) {
      out.printf(
          "   data      %,d rows, %,d tokens, %,d documents (prepared)%n",
          data.rows(), data.tokens(), data.documents());
      return;
    }
    out.printf("   files     %,d, %.1f MiB%n", data.files(), data.bytes() / MEBIBYTE);
    out.printf(
        "   data      about %,d documents, %,d tokens, %,d rows of at most %,d (from %,d records, %,d of them rejected)%n",
        data.documents(),
        data.tokens(),
        data.rows(),
        data.sequenceLength(),
        data.sampled(),
        data.sampledRejects());
    if (!data.sample().isEmpty()) {
      out.println("   sample    tokens between ⟦ and ⟧ carry loss:");
      data.sample().lines().forEach(line -> out.println("     | " + line));
    }
  }

  private static String duration(double seconds) {
    if (seconds < 90) {
      return "%.0f seconds".formatted(Math.max(1, seconds));
    }
    return seconds < 5400
        ? "%.0f minutes".formatted(seconds / 60)
        : "%.1f hours".formatted(seconds / 3600);
  }
}
