package org.sparktune.jobs.inspect;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.inspect.Inspection.TensorFacts;
import org.sparktune.trainer.checkpoint.CheckpointList;
import org.sparktune.trainer.checkpoint.CheckpointSummary;
import org.sparktune.trainer.checkpoint.CheckpointWeights;
import org.sparktune.trainer.checkpoint.RunDescription;

/** Tells what a checkpoint, or a folder of them, says about itself, on any Hadoop file system. */
final class CheckpointInspector {
  private CheckpointInspector() {}

  /**
   * Inspects a folder of checkpoints, a checkpoint, or a pointer to one.
   *
   * @param location a path or URI
   * @throws SparktuneException {@code BAD_FILE} if it is none of these
   */
  static Inspection inspect(String location, Configuration hadoop) {
    CheckpointList list = CheckpointList.read(location, hadoop);
    return list.checkpoints().isEmpty() ? checkpoint(location, hadoop) : folder(location, list);
  }

  /** Whether something is a checkpoint, a folder of them, or names one. */
  static boolean isOne(String location, Configuration hadoop) {
    return CheckpointWeights.isCheckpoint(CheckpointSummary.resolve(location, hadoop), hadoop)
        || isFolder(location, hadoop);
  }

  /** Whether a folder holds checkpoints. */
  static boolean isFolder(String location, Configuration hadoop) {
    return !CheckpointList.read(location, hadoop).checkpoints().isEmpty();
  }

  private static Inspection folder(String location, CheckpointList list) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("latest", list.latest());
    facts.put("best", list.best());
    for (CheckpointList.Entry entry : list.checkpoints()) {
      facts.put(entry.name(), entry);
    }
    return new Inspection(location, "checkpoints", facts, List.of());
  }

  private static Inspection checkpoint(String location, Configuration hadoop) {
    String folder = CheckpointSummary.resolve(location, hadoop);
    CheckpointSummary checkpoint = CheckpointSummary.read(folder, hadoop);
    List<TensorFacts> tensors = new ArrayList<>();
    for (RunDescription.Parameter parameter : checkpoint.layout()) {
      tensors.add(
          new TensorFacts(
              parameter.name(),
              "F32",
              parameter.shape().stream().mapToLong(Long::longValue).toArray()));
    }
    return new Inspection(folder, "checkpoint", checkpoint.facts(), tensors);
  }
}
