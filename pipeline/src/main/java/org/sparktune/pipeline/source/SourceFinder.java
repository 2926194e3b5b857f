package org.sparktune.pipeline.source;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.DatasetOptions.OnCorrupt;
import org.sparktune.pipeline.spec.DatasetOptions.Source;

/** Turns sources (files, folders, globs) into files, in a fixed order. */
public final class SourceFinder {
  /** Looking into a file is waiting for storage. */
  private static final int INSPECTORS = 16;

  /**
   * A file that nobody has looked into yet.
   *
   * @param source whose file it is
   * @param status its place, size and time
   */
  public record Listed(Source source, FileStatus status) {
    /** Its path as a URI. */
    public String path() {
      return status.getPath().toString();
    }
  }

  private final Configuration configuration;
  private final OnCorrupt onCorrupt;

  /** Finds files that must all be in order. */
  public SourceFinder(Configuration configuration) {
    this(configuration, OnCorrupt.FAIL);
  }

  /**
   * @param configuration says how file systems are reached
   * @param onCorrupt what becomes of files that are damaged
   */
  public SourceFinder(Configuration configuration, OnCorrupt onCorrupt) {
    this.configuration = configuration;
    this.onCorrupt = onCorrupt;
  }

  /**
   * All files of the sources, in the sources' order and by path within each. Names that start with
   * {@code _} or {@code .} are passed over in folders.
   *
   * @throws SparktuneException {@link ErrorCode#BAD_FILE} when a source is missing, empty of files,
   *     or of no known format
   */
  public List<SourceFile> find(List<Source> sources) {
    return inspect(list(sources, false));
  }

  /**
   * The files of the sources in the same order, by name only.
   *
   * @param mayBeEmpty whether a folder without files, or a glob without matches, is in order
   */
  public List<Listed> list(List<Source> sources, boolean mayBeEmpty) {
    List<Listed> files = new ArrayList<>();
    for (Source source : sources) {
      try {
        List<FileStatus> found = expand(source.path(), mayBeEmpty);
        found.sort(Comparator.comparing(status -> status.getPath().toString()));
        found.forEach(status -> files.add(new Listed(source, status)));
      } catch (IOException e) {
        throw PieceReader.damaged(source.path(), e);
      }
    }
    return files;
  }

  /** Looks into files, several at a time: what they are, and what their records look like. */
  public List<SourceFile> inspect(List<Listed> listed) {
    ExecutorService threads =
        Executors.newFixedThreadPool(Math.max(1, Math.min(INSPECTORS, listed.size())));
    try {
      List<Future<SourceFile>> looks = new ArrayList<>();
      for (Listed file : listed) {
        looks.add(threads.submit(() -> inspect(file)));
      }
      List<SourceFile> files = new ArrayList<>();
      for (Future<SourceFile> look : looks) {
        files.add(result(look));
      }
      return files;
    } finally {
      threads.shutdownNow();
    }
  }

  private SourceFile inspect(Listed file) {
    try {
      return new SourceInspector(file.source(), onCorrupt, configuration).inspect(file.status());
    } catch (IOException e) {
      throw PieceReader.damaged(file.path(), e);
    }
  }

  private static SourceFile result(Future<SourceFile> look) {
    try {
      return look.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("Looking into the sources was interrupted");
    }
  }

  private List<FileStatus> expand(String source, boolean mayBeEmpty) throws IOException {
    Path path = new Path(source);
    FileSystem fileSystem = path.getFileSystem(configuration);
    List<FileStatus> files = new ArrayList<>();
    // A name with a bracket in it may be a glob or just a name.
    FileStatus[] matches =
        fileSystem.exists(path)
            ? new FileStatus[] {fileSystem.getFileStatus(path)}
            : fileSystem.globStatus(path);
    // What has no wildcard is null when it is absent.
    if (matches == null || (matches.length == 0 && !mayBeEmpty)) {
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
    if (files.isEmpty() && !mayBeEmpty) {
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
