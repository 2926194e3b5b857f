package org.sparktune.pipeline.prepare;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparktune.core.DatasetManifest;

/** What a run did to a dataset with versions: figures of all the versions that it added. */
public final class VersionSummary {
  private int newest;
  private int added;
  private long files;
  private long newFiles;
  private long duplicates;
  private long changed;
  private long records;
  private final Map<String, Long> rejects = new TreeMap<>();
  private final List<DatasetManifest.Quarantined> quarantined = new ArrayList<>();
  private final Map<String, Long> rows = new LinkedHashMap<>();
  private final Map<String, Long> tokens = new LinkedHashMap<>();

  /**
   * @param newest the newest version before anything is added
   */
  VersionSummary(int newest) {
    this.newest = newest;
  }

  void add(VersionOutcome outcome) {
    newest = outcome.newest();
    files += outcome.listed();
    duplicates += outcome.arrived().duplicates().size();
    quarantined.addAll(outcome.quarantined());
    DatasetManifest manifest = outcome.manifest();
    if (manifest == null) {
      return;
    }
    added++;
    newFiles += outcome.arrived().files().size();
    changed += outcome.arrived().changed();
    records += manifest.recordsRead();
    manifest.rejects().forEach((reason, count) -> rejects.merge(reason, count, Long::sum));
    manifest
        .splits()
        .forEach(
            (name, split) -> {
              rows.merge(name + "_rows", split.rows(), Long::sum);
              tokens.merge(name + "_tokens", split.tokens(), Long::sum);
            });
  }

  /** The newest version now; 0 if there is none. */
  public int newest() {
    return newest;
  }

  /** How many versions were added. */
  public int added() {
    return added;
  }

  /** Files that could not be read to their end. */
  public List<DatasetManifest.Quarantined> quarantined() {
    return quarantined;
  }

  /** The figures by name, representable as JSON. */
  public Map<String, Object> figures() {
    Map<String, Object> figures = new LinkedHashMap<>();
    if (added == 0) {
      figures.put("nothing_new", true);
    }
    figures.put("version", newest);
    figures.put("added_versions", added);
    figures.put("files", files);
    figures.put("new_files", newFiles);
    figures.put("duplicate_files", duplicates);
    figures.put("changed_files", changed);
    if (!quarantined.isEmpty()) {
      figures.put("quarantined", quarantined);
    }
    figures.put("records", records);
    figures.put("rejects", rejects);
    figures.putAll(rows);
    figures.putAll(tokens);
    return figures;
  }
}
