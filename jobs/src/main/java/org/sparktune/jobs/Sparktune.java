package org.sparktune.jobs;

import java.nio.file.Path;
import org.sparktune.jobs.cli.Console;
import org.sparktune.jobs.cli.SparktuneCommand;

/** The process: {@code sparktune COMMAND …}. */
public final class Sparktune {
  private Sparktune() {}

  /** Runs one command and ends the process with its exit status. */
  public static void main(String[] arguments) {
    Console console = Console.ofProcess(Path.of("").toAbsolutePath());
    // Standard output carries results, and libraries print there: SameDiff of every gradient.
    System.setOut(System.err);
    int status = SparktuneCommand.execute(console, arguments);
    console.out().flush();
    console.err().flush();
    // Spark leaves threads that are not daemons.
    System.exit(status);
  }
}
