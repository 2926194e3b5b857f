package org.sparktune.jobs.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.SpecException;
import org.sparktune.pipeline.spec.SpecProblem;
import org.sparktune.pipeline.spec.Task;
import org.sparktune.pipeline.spec.TaskSpec;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Checks a specification without running it. */
@Command(
    name = "validate",
    description = "Check a specification: every problem at once, with its line and column.")
final class ValidateCommand extends BaseCommand {
  @Mixin private SpecOptions specOptions;

  @Option(names = "--no-files", description = "Do not check that the input files exist.")
  private boolean withoutFiles;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  ValidateCommand(Console console) {
    super(console);
  }

  @Override
  void run() {
    try {
      TaskSpec spec = specOptions.load(console(), !withoutFiles).spec();
      if (json) {
        printJson(result(true, List.of(), spec.tasks().stream().map(Task::name).toList()));
      } else {
        console().out().printf("%s is valid. Tasks in order:%n", spec.name());
        for (Task task : spec.tasks()) {
          console().out().printf("  %s (%s)%n", task.name(), task.type().word());
        }
      }
    } catch (SpecException e) {
      if (json) {
        printJson(
            result(false, e.problems().stream().map(ValidateCommand::problem).toList(), List.of()));
      }
      throw e;
    } catch (SparktuneException e) {
      if (json) {
        printJson(result(false, List.of(Map.of("message", e.sentence())), List.of()));
      }
      throw e;
    }
  }

  private static Map<String, Object> result(
      boolean valid, List<Map<String, Object>> problems, List<String> tasks) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("valid", valid);
    result.put("tasks", tasks);
    result.put("problems", problems);
    return result;
  }

  private static Map<String, Object> problem(SpecProblem problem) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("file", problem.location().origin());
    fields.put("line", problem.location().line());
    fields.put("column", problem.location().column());
    fields.put("code", problem.code().name());
    fields.put("message", problem.message());
    fields.put("hint", problem.hint());
    return fields;
  }
}
