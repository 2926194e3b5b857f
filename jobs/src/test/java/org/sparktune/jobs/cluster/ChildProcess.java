package org.sparktune.jobs.cluster;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A process that a test started, with what it prints. Closing it ends the process and all that it
 * started.
 */
public final class ChildProcess implements AutoCloseable {
  /**
   * For a Java that ends before its thorough compiler has gained what it takes: half of the
   * processor time of a test's driver and executors.
   */
  public static final String SHORT_LIVED = "-XX:TieredStopAtLevel=1";

  private static final long POLL_MILLIS = 20;

  private final String name;
  private final Process process;
  private final Thread reader;
  private final List<String> lines = Collections.synchronizedList(new ArrayList<>());

  private ChildProcess(String name, Process process) {
    this.name = name;
    this.process = process;
    this.reader = new Thread(this::read, "output of " + name);
    this.reader.setDaemon(true);
    this.reader.start();
  }

  /**
   * Starts a process; both its streams are kept.
   *
   * @param name what messages call it
   * @param folder its working directory
   * @param environment added to this process's; an empty value removes a variable
   */
  public static ChildProcess start(
      String name, Path folder, Map<String, String> environment, List<String> command)
      throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    environment.forEach(
        (key, value) -> {
          if (value.isEmpty()) {
            builder.environment().remove(key);
          } else {
            builder.environment().put(key, value);
          }
        });
    return new ChildProcess(name, builder.start());
  }

  /** The Java that runs the tests. */
  public static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  /** What it printed so far. */
  public List<String> lines() {
    synchronized (lines) {
      return List.copyOf(lines);
    }
  }

  /** What it printed so far, as one text. */
  public String output() {
    return String.join("\n", lines());
  }

  /** The process and all that it started, as the operating system sees them now. */
  public List<ProcessHandle> tree() {
    List<ProcessHandle> handles = new ArrayList<>();
    handles.add(process.toHandle());
    process.descendants().forEach(handles::add);
    return handles;
  }

  /** Waits until a line that matches is printed; fails when the process ends without one. */
  public Matcher awaitLine(Pattern pattern, Duration patience) {
    Matcher[] found = new Matcher[1];
    awaitCondition(
        "print " + pattern,
        patience,
        () -> {
          for (String line : lines()) {
            Matcher matcher = pattern.matcher(line);
            if (matcher.find()) {
              found[0] = matcher;
              return true;
            }
          }
          return false;
        });
    return found[0];
  }

  /** Waits until something is so; fails when the process ends before. */
  public void awaitCondition(String what, Duration patience, BooleanSupplier condition) {
    long end = System.nanoTime() + patience.toNanos();
    while (!condition.getAsBoolean()) {
      if (!process.isAlive()) {
        joinReader();
        if (condition.getAsBoolean()) {
          return;
        }
        throw new AssertionError(
            "%s ended with status %d and did not %s:%n%s"
                .formatted(name, process.exitValue(), what, output()));
      }
      if (System.nanoTime() > end) {
        throw new AssertionError(
            "%s did not %s in %s:%n%s".formatted(name, what, patience, output()));
      }
      try {
        TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("Interrupted while waiting for " + name, e);
      }
    }
  }

  /** Waits for its end and returns the exit status. */
  public int awaitEnd(Duration patience) {
    try {
      if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new AssertionError("%s did not end in %s:%n%s".formatted(name, patience, output()));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("Interrupted while waiting for " + name, e);
    }
    joinReader();
    return process.exitValue();
  }

  /** Asks it to end: SIGTERM. The handle, unlike the process, does not close its streams. */
  public void terminate() {
    process.toHandle().destroy();
  }

  /** Ends it without asking: SIGKILL. */
  public void kill() {
    process.toHandle().destroyForcibly();
  }

  @Override
  public void close() {
    List<ProcessHandle> tree = tree();
    tree.forEach(ProcessHandle::destroyForcibly);
    awaitEnd(Duration.ofSeconds(30));
  }

  private void read() {
    try (BufferedReader in = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        lines.add(line);
      }
    } catch (IOException e) {
      // The stream of a process that was ended may be closed while it is read.
      if (process.isAlive()) {
        throw new UncheckedIOException("The output of " + name + " cannot be read", e);
      }
    }
  }

  /** The last lines come after the end; a grandchild may hold the stream open for longer. */
  private void joinReader() {
    try {
      reader.join(TimeUnit.SECONDS.toMillis(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
