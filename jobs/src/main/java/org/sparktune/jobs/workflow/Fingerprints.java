package org.sparktune.jobs.workflow;

import java.util.LinkedHashMap;
import java.util.Map;
import org.sparktune.core.Fingerprint;
import org.sparktune.pipeline.spec.ClusterOptions;
import org.sparktune.pipeline.spec.DatasetChoice;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.Reference;
import org.sparktune.pipeline.spec.Task;
import org.sparktune.pipeline.spec.TaskSpec;

/** The fingerprint of every task of a specification: equal means that its output would be equal. */
final class Fingerprints {
  /** Raised when the same task would give another output. */
  private static final int CODE_VERSION = 1;

  private Fingerprints() {}

  /** By task name, in the order of the specification. */
  static Map<String, String> of(TaskSpec spec) {
    Map<String, String> fingerprints = new LinkedHashMap<>();
    for (Task task : spec.tasks()) {
      // Records print all their components, and the spec's maps are sorted: equal text, equal task.
      Fingerprint fingerprint =
          new Fingerprint().add(CODE_VERSION).add(spec.seed()).add(task.toString());
      for (String dependency : task.dependencies()) {
        fingerprint.add(fingerprints.get(dependency));
      }
      if (spec.cluster().wire() != ClusterOptions.Wire.FP32) {
        // The only option of the cluster that changes a result.
        fingerprint.add(spec.cluster().wire().name());
      }
      addInputs(fingerprint, task);
      fingerprints.put(task.name(), fingerprint.finish());
    }
    return fingerprints;
  }

  private static void addInputs(Fingerprint fingerprint, Task task) {
    addReference(fingerprint, task.baseModel());
    if (task instanceof Task.Prepare prepare) {
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
      addOptions(fingerprint, raw.options());
    } else {
      addReference(fingerprint, ((DatasetChoice.Prepared) choice).source());
    }
  }

  private static void addOptions(Fingerprint fingerprint, DatasetOptions options) {
    for (DatasetOptions.Source source : options.sources()) {
      InputFingerprints.add(fingerprint, source.path());
    }
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
