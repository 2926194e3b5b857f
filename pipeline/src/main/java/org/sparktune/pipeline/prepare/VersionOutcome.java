package org.sparktune.pipeline.prepare;

import java.util.List;
import org.sparktune.core.DatasetManifest;

/**
 * What became of an attempt to append a version.
 *
 * @param newest the newest version now; 0 if there is none
 * @param listed how many files there are
 * @param arrived which of them are new
 * @param quarantined which of those could not be read to their end
 * @param manifest of the version that was added; null if none was
 */
record VersionOutcome(
    int newest,
    int listed,
    NewFiles arrived,
    List<DatasetManifest.Quarantined> quarantined,
    DatasetManifest manifest) {}
