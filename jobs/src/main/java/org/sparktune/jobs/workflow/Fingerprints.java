package org.sparktune.jobs.workflow;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparktune.core.DatasetName;
import org.sparktune.core.DatasetVersions;
import org.sparktune.core.Fingerprint;
import org.sparktune.pipeline.spec.ClusterOptions;
import org.sparktune.pipeline.spec.DatasetChoice;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.Reference;
import org.sparktune.pipeline.spec.Task;
import org.sparktune.pipeline.spec.TaskSpec;
import org.sparktune.trainer.dataset.DatasetFolder;

/** The fingerprint of every task of a specification: equal means that its output would be equal. */
final class Fingerprints {
  /** Raised when the same task would give another output. */
  private static final int CODE_VERSION = 1;

  private Fingerprints() {}

  /**
   * By task name, in the order of the specification.
   *
   * @param paths where tasks put their datasets: the newest version of one is an input of what uses
   *     it
   */
  static Map<String, String> of(TaskSpec spec, TaskPaths paths) {
    Map<String, String> fingerprints = new LinkedHashMap<>();
    for (Task task : spec.tasks()) {
      // Records print all their components, and the spec's maps are sorted: equal text, equal task.
      Fingerprint fingerprint =
          new Fingerprint().add(CODE_VERSION).add(spec.seed()).add(text(task));
      for (String dependency : task.dependencies()) {
        fingerprint.add(fingerprints.get(dependency));
      }
      if (spec.cluster().wire() != ClusterOptions.Wire.FP32) {
        // The only option of the cluster that changes a result.
        fingerprint.add(spec.cluster().wire().name());
      }
      addInputs(fingerprint, task);
      addVersion(fingerprint, task, spec, paths);
      fingerprints.put(task.name(), fingerprint.finish());
    }
    return fingerprints;
  }

  /** All that a task says of itself; of a dataset with versions not how it comes by them. */
  private static String text(Task task) {
    return task instanceof Task.Prepare prepare && prepare.arrival().versioned()
        ? "versions of " + prepare.withoutArrival()
        : task.toString();
  }

  /** Adds the version that a task would read, where it names none and another task makes them. */
  private static void addVersion(
      Fingerprint fingerprint, Task task, TaskSpec spec, TaskPaths paths) {
    DatasetChoice choice = null;
    if (task instanceof Task.Training training) {
      choice = training.dataset();
    } else if (task instanceof Task.Evaluate evaluate) {
      choice = evaluate.dataset();
    }
    if (choice instanceof DatasetChoice.Prepared prepared
        && prepared.pin().isEmpty()
        && prepared.source() instanceof Reference.TaskOutput made
        && ((Task.Prepare) spec.task(made.task())).arrival().versioned()) {
      List<Integer> versions =
          DatasetFolder.versions(paths.ownDataset(made.task()), paths.hadoop());
      fingerprint.add(versions.isEmpty() ? 0 : versions.get(versions.size() - 1));
    }
  }

  private static void addInputs(Fingerprint fingerprint, Task task) {
    addReference(fingerprint, task.baseModel());
    if (task instanceof Task.Prepare prepare) {
      if (!prepare.arrival().versioned()) {
        addSources(fingerprint, prepare.dataset());
      }
      addOptions(fingerprint, prepare.dataset());
    } else if (task instanceof Task.Training training) {
      addDataset(fingerprint, training.dataset());
      if (training instanceof Task.Adapting lora) {
        addReference(fingerprint, lora.initAdapter());
      }
      if (training instanceof Task.Ppo ppo) {
        addReference(fingerprint, ppo.ppo().reward().model());
      }
    } else if (task instanceof Task.Evaluate evaluate) {
      addReference(fingerprint, evaluate.adapter());
      addDataset(fingerprint, evaluate.dataset());
    } else if (task instanceof Task.Distill distill) {
      addReference(fingerprint, distill.teacher());
      addDataset(fingerprint, distill.dataset());
    } else if (task instanceof Task.Merge merge) {
      addReference(fingerprint, merge.adapter());
    }
  }

  private static void addReference(Fingerprint fingerprint, Reference reference) {
    if (reference instanceof Reference.Stored stored) {
      InputFingerprints.add(fingerprint, stored.path());
    }
  }

  private static void addDataset(Fingerprint fingerprint, DatasetChoice choice) {
    if (choice instanceof DatasetChoice.Raw raw) {
      addSources(fingerprint, raw.options());
      addOptions(fingerprint, raw.options());
      return;
    }
    DatasetChoice.Prepared prepared = (DatasetChoice.Prepared) choice;
    if (prepared.source() instanceof Reference.Stored stored) {
      DatasetName name = DatasetName.parse(stored.path() + prepared.pin());
      InputFingerprints.add(
          fingerprint,
          name.isPinned() ? DatasetVersions.folder(name.folder(), name.version()) : stored.path());
    }
  }

  private static void addSources(Fingerprint fingerprint, DatasetOptions options) {
    for (DatasetOptions.Source source : options.sources()) {
      InputFingerprints.add(fingerprint, source.path());
    }
  }

  private static void addOptions(Fingerprint fingerprint, DatasetOptions options) {
    if (!DatasetOptions.isTemplateWord(options.template())) {
      InputFingerprints.add(fingerprint, options.template());
    }
    if (options.clean().blocklist() != null) {
      InputFingerprints.add(fingerprint, options.clean().blocklist());
    }
    for (String other : options.deduplicate().against()) {
      InputFingerprints.add(fingerprint, other);
    }
    for (String other : options.decontaminate().against()) {
      InputFingerprints.add(fingerprint, other);
    }
    if (options.rewards().statistics() != null) {
      InputFingerprints.add(fingerprint, options.rewards().statistics());
    }
  }
}
