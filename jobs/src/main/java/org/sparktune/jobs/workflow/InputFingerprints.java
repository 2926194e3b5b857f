package org.sparktune.jobs.workflow;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.sparktune.core.Fingerprint;

/**
 * Tells whether input files changed. Models are many gigabytes, so a file is known by its name,
 * size and time of modification, as {@code make} does, not by its bytes.
 */
final class InputFingerprints {
  private static final Pattern GLOB = Pattern.compile("[*?\\[{]");

  private InputFingerprints() {}

  /**
   * Adds a file, a folder's files or a glob's files.
   *
   * @param path absolute; of a URI only the text counts
   */
  static void add(Fingerprint fingerprint, String path) {
    fingerprint.add(path);
    if (path.contains(":/")) {
      return;
    }
    for (Path file : files(path)) {
      try {
        fingerprint
            .add(file.toString())
            .add(Files.size(file))
            .add(Files.getLastModifiedTime(file).toMillis());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static List<Path> files(String path) {
    if (!GLOB.matcher(path).find() || Files.exists(Path.of(path))) {
      return regularFiles(Path.of(path));
    }
    Path root = Path.of(path);
    while (GLOB.matcher(root.toString()).find()) {
      root = root.getParent();
    }
    PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + path);
    return regularFiles(root).stream().filter(matcher::matches).toList();
  }

  private static List<Path> regularFiles(Path root) {
    if (!Files.exists(root)) {
      return List.of();
    }
    try (Stream<Path> walk = Files.walk(root)) {
      return walk.filter(Files::isRegularFile).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
