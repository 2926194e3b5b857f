package org.sparktune.jobs.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.sparktune.pipeline.storage.LocalCopies;

/**
 * Where a command reads paths from and writes to.
 *
 * @param out takes the result
 * @param err takes progress and failures
 * @param interactive whether err is a terminal
 * @param workingDirectory what relative paths are relative to
 */
public record Console(
    PrintStream out, PrintStream err, boolean interactive, Path workingDirectory) {

  /**
   * The streams of this process, as UTF-8. Java cannot tell whether standard error is a terminal;
   * the launcher can, and sets {@code sparktune.terminal}.
   */
  public static Console ofProcess(Path workingDirectory) {
    return new Console(
        utf8(FileDescriptor.out),
        utf8(FileDescriptor.err),
        Boolean.getBoolean("sparktune.terminal"),
        workingDirectory);
  }

  /** The absolute form of a path given on the command line. */
  public Path resolve(String path) {
    String home = System.getProperty("user.home");
    String expanded = path.startsWith("~/") ? home + path.substring(1) : path;
    String local = expanded.startsWith("file:///") ? expanded.substring(7) : expanded;
    return workingDirectory.resolve(local).normalize();
  }

  /** The absolute form of a path given on the command line; a URI of another system as it is. */
  public String location(String path) {
    return LocalCopies.isRemote(path) ? path : resolve(path).toString();
  }

  private static PrintStream utf8(FileDescriptor descriptor) {
    return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
  }
}
