package org.sparktune.pipeline.source;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.DatasetOptions.Source;

/** Turns sources (files, folders, globs) into files, in a fixed order. */
public final class SourceFinder {
  private final Configuration configuration;

  /**
   * @param configuration says how file systems are reached
   */
  public SourceFinder(Configuration configuration) {
    this.configuration = configuration;
  }

  /**
   * All files of the sources, in the sources' order and by path within each. Names that start with
   * {@code _} or {@code .} are passed over in folders.
   *
   * @throws SparktuneException {@link ErrorCode#BAD_FILE} when a source is missing, empty of files,
   *     or of no known format
   */
  public List<SourceFile> find(List<Source> sources) {
    List<SourceFile> files = new ArrayList<>();
    for (Source source : sources) {
      try {
        List<FileStatus> found = expand(source.path());
        found.sort(Comparator.comparing(status -> status.getPath().toString()));
        SourceInspector inspector = new SourceInspector(source, configuration);
        for (FileStatus status : found) {
          files.add(inspector.inspect(status));
        }
      } catch (IOException e) {
        throw PieceReader.damaged(source.path(), e);
      }
    }
    return files;
  }

  private List<FileStatus> expand(String source) throws IOException {
    Path path = new Path(source);
    FileSystem fileSystem = path.getFileSystem(configuration);
    List<FileStatus> files = new ArrayList<>();
    // A name with a bracket in it may be a glob or just a name.
    FileStatus[] matches =
        fileSystem.exists(path)
            ? new FileStatus[] {fileSystem.getFileStatus(path)}
            : fileSystem.globStatus(path);
    if (matches == null || matches.length == 0) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "There is no file, folder or match for the source " + source + ".",
          "Check the path; paths in a spec are relative to the spec file.");
    }
    for (FileStatus match : matches) {
      if (match.isDirectory()) {
        addFolder(fileSystem, match.getPath(), files);
      } else {
        files.add(match);
      }
    }
    if (files.isEmpty()) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The source " + source + " holds no files.",
          "Files whose names start with _ or . are passed over.");
    }
    return files;
  }

  private static void addFolder(FileSystem fileSystem, Path folder, List<FileStatus> files)
      throws IOException {
    RemoteIterator<LocatedFileStatus> all = fileSystem.listFiles(folder, true);
    int prefix = folder.toString().length();
    while (all.hasNext()) {
      LocatedFileStatus status = all.next();
      String relative = status.getPath().toString().substring(prefix);
      if (!relative.contains("/_") && !relative.contains("/.")) {
        files.add(status);
      }
    }
  }
}
