package org.sparktune.jobs.cli;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import org.sparktune.jobs.workflow.TaskOutcome;
import org.sparktune.jobs.workflow.WorkflowListener;
import org.sparktune.pipeline.spec.Task;

/** Says which task begins, ends or is left as it is. */
final class WorkflowProgress implements WorkflowListener {
  private final PrintStream err;

  WorkflowProgress(PrintStream err) {
    this.err = err;
  }

  @Override
  public void skipped(Task task) {
    err.printf("%s: done before, skipped%n", task.name());
  }

  @Override
  public void started(Task task, boolean resumed) {
    err.printf("%s: %s%s%n", task.name(), task.type().word(), resumed ? ", going on" : "");
  }

  @Override
  public void finished(TaskOutcome outcome) {
    err.printf(
        "%s: done in %.1f s, %s%n", outcome.task(), outcome.seconds(), words(outcome.result()));
  }

  /** A task's result in one line. */
  static String words(Map<String, Object> result) {
    StringJoiner words = new StringJoiner("  ");
    result.forEach((name, value) -> words.add(name + " " + word(value)));
    return words.toString();
  }

  private static String word(Object value) {
    if (value instanceof Double number) {
      return String.format(Locale.ROOT, Math.abs(number) >= 100 ? "%,.0f" : "%.4f", number);
    }
    if (value instanceof List<?> list) {
      // The log has named them.
      return String.valueOf(list.size());
    }
    return value instanceof Long || value instanceof Integer
        ? String.format(Locale.ROOT, "%,d", ((Number) value).longValue())
        : String.valueOf(value);
  }
}
