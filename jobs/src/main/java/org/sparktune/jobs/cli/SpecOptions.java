package org.sparktune.jobs.cli;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.pipeline.spec.SpecLoader;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The specification of a command, and what changes it. */
final class SpecOptions {
  @Parameters(paramLabel = "SPEC", description = "The YAML file of the workflow.")
  private String file;

  @Option(
      names = "--set",
      paramLabel = "PATH=VALUE",
      description = {
        "Change a value, repeatable. The path begins with a task's name",
        "(assistant.hyperparams.learning_rate=1e-4), with a key of the file (seed=7), or, where one",
        "task alone trains, with a key of that task (hyperparams.max_steps=5).",
        "Paths in a value are relative to the working directory."
      })
  private List<String> overrides = new ArrayList<>();

  @Option(
      names = "--output",
      paramLabel = "DIR",
      description = "Write into this folder instead of the file's 'output'.")
  private String output;

  /** Loads the file with every change applied. */
  SpecLoader.Loaded load(Console console, boolean checkFiles) {
    return SpecLoader.load(
        console.resolve(file),
        new SpecLoader.Request(
            List.copyOf(overrides), output, checkFiles, console.workingDirectory()));
  }
}
