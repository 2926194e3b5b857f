package org.sparktune.pipeline.prepare;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.Fingerprint;
import org.sparktune.pipeline.source.PieceReader;
import org.sparktune.pipeline.source.SourceFinder;
import scala.Tuple2;

/**
 * Of the files that are there, those that a dataset does not have yet.
 *
 * @param files to be read
 * @param contents fingerprints of their bytes, by path; none of a file that cannot be read
 * @param duplicates with the same bytes as another file
 * @param changed how many of the files were read before, with other bytes
 */
record NewFiles(
    List<SourceFinder.Listed> files,
    Map<String, String> contents,
    List<DatasetManifest.Duplicate> duplicates,
    int changed) {
  private static final int FILES_PER_TASK = 4;

  /** Files whose path, size and time are known are not opened. */
  static NewFiles of(
      List<SourceFinder.Listed> listed,
      FileLedger ledger,
      JavaSparkContext context,
      Broadcast<SerializableConfiguration> configuration) {
    Map<String, SourceFinder.Listed> unknown = new LinkedHashMap<>();
    for (SourceFinder.Listed file : listed) {
      // An empty file has nothing yet; two sources may find the same file.
      if (file.status().getLen() > 0 && !ledger.knows(file.status())) {
        unknown.putIfAbsent(file.path(), file);
      }
    }
    Map<String, String> contents = contents(unknown.keySet(), context, configuration);
    List<SourceFinder.Listed> files = new ArrayList<>();
    List<DatasetManifest.Duplicate> duplicates = new ArrayList<>();
    Map<String, String> here = new HashMap<>();
    int changed = 0;
    for (SourceFinder.Listed file : unknown.values()) {
      String content = contents.get(file.path());
      String same = content == null ? null : ledger.withContent(content);
      if (same == null && content != null) {
        same = here.putIfAbsent(content, file.path());
      }
      if (same == null) {
        changed += ledger.knowsPath(file.path()) ? 1 : 0;
        files.add(file);
      } else {
        duplicates.add(
            new DatasetManifest.Duplicate(
                file.path(), file.status().getLen(), file.status().getModificationTime(), same));
      }
    }
    Set<String> read = new HashSet<>();
    files.forEach(file -> read.add(file.path()));
    contents.keySet().retainAll(read);
    return new NewFiles(files, contents, duplicates, changed);
  }

  private static Map<String, String> contents(
      Set<String> paths,
      JavaSparkContext context,
      Broadcast<SerializableConfiguration> configuration) {
    if (paths.isEmpty()) {
      return new HashMap<>();
    }
    int tasks = (paths.size() + FILES_PER_TASK - 1) / FILES_PER_TASK;
    List<Tuple2<String, String>> found =
        context
            .parallelize(new ArrayList<>(paths), tasks)
            .map(path -> new Tuple2<>(path, content(path, configuration.value().value())))
            .collect();
    Map<String, String> contents = new HashMap<>();
    for (Tuple2<String, String> one : found) {
      if (one._2() != null) {
        contents.put(one._1(), one._2());
      }
    }
    return contents;
  }

  /**
   * The fingerprint of a file's bytes; null where they cannot be read, which is found out later.
   */
  private static String content(String path, Configuration configuration) {
    Path file = new Path(path);
    try (InputStream in = file.getFileSystem(configuration).open(file)) {
      return Fingerprint.ofStream(in);
    } catch (IOException e) {
      if (PieceReader.isDamage(e)) {
        return null;
      }
      throw PieceReader.damaged(path, e);
    }
  }
}
