package org.sparktune.jobs.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.sparktune.jobs.training.LoadedDecoder;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.BatchSize;
import picocli.CommandLine.Option;

/** A model and what may be put on it. */
final class ModelOptions {
  /** Words of {@code --precision}. */
  enum Precision {
    FP32,
    BF16,
    AUTO
  }

  @Option(
      names = "--model",
      required = true,
      paramLabel = "PATH",
      description = "A Hugging Face folder or a GGUF file.")
  private String model;

  @Option(
      names = "--adapter",
      paramLabel = "PATH",
      description = "A PEFT adapter folder to put on the model.")
  private String adapter;

  @Option(
      names = "--precision",
      paramLabel = "WORD",
      defaultValue = "fp32",
      description =
          "fp32 (default, comparable with other programs), bf16 (half the memory, faster), or auto.")
  private Precision precision;

  Path modelPath(Console console) {
    return console.resolve(model);
  }

  LoadedDecoder load(Console console, BatchSize batch) {
    return LoadedDecoder.open(
        modelPath(console),
        Optional.ofNullable(adapter).map(console::resolve),
        Engines.PrecisionChoice.valueOf(precision.name().toUpperCase(Locale.ROOT)),
        batch);
  }
}
