package org.sparktune.pipeline.prepare;

import java.util.Map;
import org.sparktune.core.DatasetManifest;

/**
 * What is known of the files that a dataset, or a version of one, is made of.
 *
 * @param version null for a dataset without versions
 * @param contents fingerprints of files' bytes, by path
 * @param mayBeEmpty whether it is in order that there is nothing to publish
 */
record Arrival(DatasetManifest.Version version, Map<String, String> contents, boolean mayBeEmpty) {
  /** All files of a dataset without versions. */
  static final Arrival WHOLE = new Arrival(null, Map.of(), false);

  /** Whether there are earlier versions, so that this one need not hold anything to train on. */
  boolean continues() {
    return version != null && version.number() > 1;
  }
}
