package org.sparktune.pipeline.spec;

import org.sparktune.pipeline.spec.ArrivalOptions.Mode;
import org.sparktune.pipeline.spec.ArrivalOptions.Trigger;

/** Reads the group {@code prepare} of a task. */
final class ArrivalReader {
  private ArrivalReader() {}

  static ArrivalOptions read(MappingReader task) {
    if (!task.has("prepare")) {
      return ArrivalOptions.BATCH;
    }
    MappingReader reader = task.mappingOrEmpty("prepare");
    ArrivalOptions options =
        new ArrivalOptions(
            reader.word("mode", Mode.BATCH),
            reader.word("trigger", Trigger.AVAILABLE_NOW),
            (int)
                reader.integer(
                    "interval_seconds", ArrivalOptions.DEFAULT_INTERVAL_SECONDS, 1, 86_400),
            (int)
                reader.integer(
                    "max_files_per_batch",
                    ArrivalOptions.DEFAULT_MAX_FILES_PER_BATCH,
                    1,
                    1_000_000));
    for (String key : new String[] {"trigger", "interval_seconds", "max_files_per_batch"}) {
      if (reader.has(key) && options.mode() != Mode.STREAM) {
        reader.problem(
            key, "'%s' means nothing without mode: stream.".formatted(key), "Remove it.");
      }
    }
    if (reader.has("interval_seconds")
        && options.mode() == Mode.STREAM
        && options.trigger() != Trigger.CONTINUOUS) {
      reader.problem(
          "interval_seconds",
          "'interval_seconds' means nothing without trigger: continuous.",
          "Remove it, or write trigger: continuous.");
    }
    reader.finish();
    return options;
  }

  /** What only datasets with versions can do. */
  static void requireVersions(MappingReader task, DatasetOptions dataset, ArrivalOptions options) {
    if (dataset != null && dataset.deduplicate().versions() && !options.versioned()) {
      task.problem(
          "dataset",
          "'deduplicate: {versions: true}' means nothing to a dataset without versions.",
          "Write prepare: {mode: incremental}, or remove it.");
    }
  }
}
