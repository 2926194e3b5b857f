package org.sparktune.jobs.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.InputGuard;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.export.ModelExporter;
import org.sparktune.jobs.storage.Place;
import org.sparktune.jobs.storage.WorkFolder;
import org.sparktune.jobs.training.ModelLocations;
import org.sparktune.pipeline.storage.HadoopSettings;
import org.sparktune.pipeline.storage.LocalCopies;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.memory.DType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** A model or adapter in another form. */
@Command(
    name = "export",
    description = {
      "Write a model or an adapter for other programs.",
      "peft: the adapter as a PEFT folder. gguf-lora: the adapter for llama.cpp --lora.",
      "safetensors: the model as a Hugging Face folder. gguf: the model as one GGUF file.",
      "With --adapter, safetensors and gguf hold the model with the adapter merged into it."
    })
final class ExportCommand extends BaseCommand {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "PATH",
      description = "A Hugging Face folder or a GGUF file, here or at a URI.")
  private String model;

  @Option(
      names = "--adapter",
      paramLabel = "PATH",
      description = "A PEFT folder, a GGUF LoRA or a checkpoint, here or at a URI.")
  private String adapter;

  @Option(
      names = "--format",
      required = true,
      paramLabel = "WORD",
      description = "peft, gguf-lora, safetensors or gguf.")
  private Format format;

  @Option(
      names = "--type",
      paramLabel = "TYPE",
      defaultValue = "F16",
      description =
          "How matrices are stored: F32, F16 (default) or BF16; for gguf also Q8_0, Q5_1, Q5_0, Q4_1, Q4_0.")
  private String type;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "PATH",
      description = "The file or folder to write, here or at a URI.")
  private String output;

  /** Words of {@code --format}. */
  enum Format {
    PEFT,
    GGUF_LORA,
    SAFETENSORS,
    GGUF;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  ExportCommand(Console console) {
    super(console);
  }

  @Override
  void run() {
    Configuration hadoop = HadoopSettings.here();
    String location = console().location(output);
    requireNew(location, hadoop);
    Path modelPath = ModelLocations.model(console().location(model), hadoop);
    Optional<Path> adapterPath =
        Optional.ofNullable(adapter)
            .map(console()::location)
            .map(found -> ModelLocations.adapter(found, hadoop));
    int end = location.lastIndexOf('/');
    try (WorkFolder work = WorkFolder.open(Place.of(location.substring(0, end), hadoop))) {
      write(modelPath, adapterPath, work.path().resolve(location.substring(end + 1)));
      work.publish();
    }
    console().out().println(location);
  }

  /** Elsewhere than here nothing is overwritten. */
  private static void requireNew(String location, Configuration hadoop) {
    if (LocalCopies.isRemote(location) && Place.of(location, hadoop).exists()) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "The output %s exists.".formatted(location),
          "Name another place with --output.");
    }
  }

  private void write(Path modelPath, Optional<Path> adapterPath, Path target) {
    InputGuard.requireApart(target, modelPath);
    adapterPath.ifPresent(path -> InputGuard.requireApart(target, path));
    try (ModelExporter exporter = new ModelExporter(modelPath, adapterPath)) {
      switch (format) {
        case PEFT -> exporter.peft(target);
        case GGUF_LORA -> exporter.ggufLora(target);
        case SAFETENSORS ->
            exporter.safetensors(typeOf(DType.class), target).forEach(console().err()::println);
        case GGUF -> exporter.gguf(typeOf(GgmlType.class), target);
      }
    }
  }

  private <T extends Enum<T>> T typeOf(Class<T> types) {
    String wanted = type.toUpperCase(Locale.ROOT);
    return Arrays.stream(types.getEnumConstants())
        .filter(constant -> constant.name().equals(wanted))
        .findFirst()
        .orElseThrow(
            () ->
                new SparktuneException(
                    ErrorCode.USAGE,
                    "--type %s is not an element type that %s can be written in."
                        .formatted(type, format),
                    "See sparktune export --help."));
  }
}
