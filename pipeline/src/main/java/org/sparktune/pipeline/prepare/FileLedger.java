package org.sparktune.pipeline.prepare;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.fs.FileStatus;
import org.sparktune.core.DatasetManifest;

/**
 * Which files the versions of a dataset were made of: by path, size and time, and by content. It
 * holds a few hundred bytes a file.
 */
final class FileLedger {
  private record Seen(long bytes, long modified) {}

  private final Map<String, Set<Seen>> byPath = new HashMap<>();
  private final Map<String, String> pathByContent = new HashMap<>();
  private final Set<String> batches = new HashSet<>();

  /** Adds the files of a version. One of which nothing could be read is to be tried again. */
  void add(DatasetManifest version) {
    Set<String> unread = new HashSet<>();
    for (DatasetManifest.Quarantined file : version.quarantined()) {
      if (file.records() == 0) {
        unread.add(file.path());
      }
    }
    for (DatasetManifest.Source file : version.sources()) {
      if (!unread.contains(file.path())) {
        add(file.path(), file.bytes(), file.modified());
        if (file.content() != null && !file.content().isEmpty()) {
          pathByContent.putIfAbsent(file.content(), file.path());
        }
      }
    }
    for (DatasetManifest.Duplicate file : version.version().duplicates()) {
      add(file.path(), file.bytes(), file.modified());
    }
    if (version.version().batch() != null) {
      batches.add(version.version().batch());
    }
  }

  private void add(String path, long bytes, long modified) {
    byPath.computeIfAbsent(path, unused -> new HashSet<>()).add(new Seen(bytes, modified));
  }

  /** Whether exactly this file was there before. */
  boolean knows(FileStatus file) {
    return byPath
        .getOrDefault(file.getPath().toString(), Set.of())
        .contains(new Seen(file.getLen(), file.getModificationTime()));
  }

  /** Whether another file was there under that name. */
  boolean knowsPath(String path) {
    return byPath.containsKey(path);
  }

  /** The file with that content, or null. */
  String withContent(String content) {
    return pathByContent.get(content);
  }

  /** Whether a batch of a stream has become a version. */
  boolean knowsBatch(String batch) {
    return batches.contains(batch);
  }
}
