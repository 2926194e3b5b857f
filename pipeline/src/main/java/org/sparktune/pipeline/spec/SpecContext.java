package org.sparktune.pipeline.spec;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.sparktune.core.DatasetName;

/**
 * What reading needs everywhere: where problems go, and how a written path becomes an absolute one.
 *
 * @param problems collects what is wrong
 * @param folder the folder of the specification; paths in the file are relative to it
 * @param workingDirectory paths given by {@code --set} and {@code --output} are relative to it
 * @param checkFiles whether a missing input is a problem
 */
record SpecContext(SpecProblems problems, Path folder, Path workingDirectory, boolean checkFiles) {
  private static final Pattern SCHEME = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]+:/.*");
  private static final Pattern GLOB = Pattern.compile("[*?\\[{]");

  /** The absolute form of an input path; a URI such as {@code hdfs://…} stays as it is. */
  String resolveInput(String written, Location location) {
    if (isUri(written)) {
      return written;
    }
    Path base = location.line() == 0 ? workingDirectory : folder;
    return base.resolve(expandHome(written)).normalize().toString();
  }

  /** The absolute form of an output path. */
  String resolveOutput(String written) {
    return isUri(written)
        ? written
        : workingDirectory.resolve(expandHome(written)).normalize().toString();
  }

  /** Whether an input is there, as far as this machine can tell without Hadoop. */
  boolean exists(String resolved) {
    if (isUri(resolved)) {
      return true;
    }
    Path path = Path.of(resolved);
    if (Files.exists(path)) {
      return true;
    }
    DatasetName name = DatasetName.parse(resolved);
    if (name.isPinned()) {
      return Files.exists(Path.of(name.folder(), DatasetName.versionFolder(name.version())));
    }
    if (!GLOB.matcher(resolved).find()) {
      return false;
    }
    Path parent = path.getParent();
    while (parent != null && GLOB.matcher(parent.toString()).find()) {
      parent = parent.getParent();
    }
    return parent != null && Files.isDirectory(parent);
  }

  static boolean isUri(String path) {
    return SCHEME.matcher(path).matches();
  }

  private static String expandHome(String path) {
    return path.startsWith("~/") ? System.getProperty("user.home") + path.substring(1) : path;
  }
}
