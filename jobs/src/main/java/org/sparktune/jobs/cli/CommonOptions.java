package org.sparktune.jobs.cli;

import picocli.CommandLine.Option;

/** Options that every command has. */
final class CommonOptions {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  @SuppressWarnings("UnusedVariable") // picocli reads it
  private boolean help;

  @Option(
      names = {"-v", "--verbose", "--stacktrace"},
      description = "Log more, and show the Java stack trace of a failure.")
  private boolean verbose;

  boolean verbose() {
    return verbose;
  }
}
