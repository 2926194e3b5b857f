package org.sparktune.jobs.workflow;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.sparktune.pipeline.spec.DatasetChoice;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.Task;

/** The raw data that tasks read. */
final class InputPaths {
  private InputPaths() {}

  /** Paths, globs and URIs of a task's raw files; none where it reads a prepared dataset. */
  static List<String> sources(Task task) {
    if (task instanceof Task.Prepare prepare) {
      return sources(prepare.dataset());
    }
    DatasetChoice choice = null;
    if (task instanceof Task.Training training) {
      choice = training.dataset();
    } else if (task instanceof Task.Evaluate evaluate) {
      choice = evaluate.dataset();
    } else if (task instanceof Task.Distill distill) {
      choice = distill.dataset();
    }
    return choice instanceof DatasetChoice.Raw raw ? sources(raw.options()) : List.of();
  }

  private static List<String> sources(DatasetOptions options) {
    return options.sources().stream().map(DatasetOptions.Source::path).toList();
  }

  /** The local file or folder that a source names; none for URIs and globs. */
  static Optional<Path> local(String source) {
    boolean plain = source.startsWith("/") && !source.matches(".*[*?\\[{].*");
    return plain ? Optional.of(Path.of(source)) : Optional.empty();
  }
}
