package org.sparktune.jobs.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.sparktune.jobs.training.LoadedDecoder;
import org.sparktune.jobs.training.ModelLocations;
import org.sparktune.pipeline.spec.Quantization;
import org.sparktune.pipeline.storage.HadoopSettings;
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
      description = "A Hugging Face folder or a GGUF file, here or at a URI such as hdfs://….")
  private String model;

  @Option(
      names = "--adapter",
      paramLabel = "PATH",
      description = {
        "An adapter to put on the model: a PEFT folder, a GGUF LoRA, or a checkpoint of a run,",
        "such as …/checkpoints/latest."
      })
  private String adapter;

  @Option(
      names = "--precision",
      paramLabel = "WORD",
      defaultValue = "fp32",
      description =
          "fp32 (default, comparable with other programs), bf16 (half the memory, faster), or auto.")
  private Precision precision;

  @Option(
      names = "--quantization",
      paramLabel = "WORD",
      defaultValue = "none",
      description =
          "none (default), nf4, nf4_double, fp8, stored (a GGUF file's own blocks) or auto: hold the layers in few bits, as a qlora task does.")
  private Quantization quantization;

  Path modelPath(Console console) {
    return ModelLocations.model(console.location(model), HadoopSettings.here());
  }

  LoadedDecoder load(Console console, BatchSize batch) {
    return LoadedDecoder.open(
        modelPath(console),
        Optional.ofNullable(adapter)
            .map(console::location)
            .map(location -> ModelLocations.adapter(location, HadoopSettings.here())),
        Engines.PrecisionChoice.valueOf(precision.name().toUpperCase(Locale.ROOT)),
        quantization,
        batch);
  }
}
