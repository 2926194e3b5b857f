package org.sparktune.jobs.training;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.model.AdapterExchange;
import org.sparktune.trainer.model.DecoderTrainable;
import org.sparktune.trainer.model.Tuning;
import org.sparktune.trainer.modelfile.HuggingFaceFolder;
import org.sparktune.trainer.modelfile.PeftAdapter;
import org.sparktune.trainer.modelfile.export.GgufLora;

/** Writes what a training made into the task's folder. */
final class TrainedOutput {
  private static final Logger LOG = LoggerFactory.getLogger(TrainedOutput.class);

  private final OpenModel model;
  private final Tuning tuning;

  /**
   * Checks that the output can be written, before anything is trained.
   *
   * @throws SparktuneException {@code UNSUPPORTED} for full training of a GGUF file
   */
  TrainedOutput(OpenModel model, Tuning tuning) {
    this.model = model;
    this.tuning = tuning;
    if (!(tuning instanceof Tuning.Lora) && !(model.file() instanceof HuggingFaceFolder)) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "The base model %s is GGUF, and full fine-tuning writes a Hugging Face folder."
              .formatted(model.file().path()),
          "Give the model as a Hugging Face folder, or train a LoRA.");
    }
  }

  /** An adapter, or a whole model. */
  void write(DecoderTrainable trainable, Path folder) {
    if (tuning instanceof Tuning.Lora) {
      writeAdapter(trainable, folder.resolve("adapter"));
    } else {
      ModelOutput.write(
          (HuggingFaceFolder) model.file(), trainable.tensors(), folder.resolve("model"));
    }
  }

  private void writeAdapter(DecoderTrainable trainable, Path folder) {
    try {
      Path temporary = Files.createTempDirectory(folder.getParent(), folder.getFileName() + ".tmp");
      PeftAdapter adapter = AdapterExchange.export(trainable, model.file().path().toString());
      adapter.write(temporary);
      Folders.replace(temporary, folder);
      writeForLlamaCpp(adapter, folder.resolveSibling("adapter.gguf"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void writeForLlamaCpp(PeftAdapter adapter, Path file) throws IOException {
    try {
      GgufLora.write(file, model.file().path().getFileName() + " LoRA", adapter, model.config());
    } catch (SparktuneException e) {
      if (e.code() != ErrorCode.UNSUPPORTED) {
        throw e;
      }
      LOG.warn("{} is not written: {}", file.getFileName(), e.sentence());
    }
  }
}
