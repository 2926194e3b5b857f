package org.sparktune.jobs.training;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.AdapterExchange;
import org.sparktune.trainer.model.DecoderTrainable;
import org.sparktune.trainer.model.Tuning;
import org.sparktune.trainer.modelfile.GgufModel;
import org.sparktune.trainer.modelfile.HuggingFaceFolder;
import org.sparktune.trainer.modelfile.PeftAdapter;
import org.sparktune.trainer.modelfile.export.GgufExport;
import org.sparktune.trainer.modelfile.export.GgufLora;
import org.sparktune.trainer.modelfile.export.ReplacedWeights;

/** Writes what a training made into the task's folder. */
final class TrainedOutput {
  private static final Logger LOG = LoggerFactory.getLogger(TrainedOutput.class);

  private final OpenModel model;
  private final Tuning tuning;
  private final String baseName;

  /**
   * @param baseName what an adapter names as its base model
   */
  TrainedOutput(OpenModel model, Tuning tuning, String baseName) {
    this.model = model;
    this.baseName = baseName;
    this.tuning = tuning;
  }

  /** An adapter, or a whole model in F32: a GGUF file or a Hugging Face folder, as its base is. */
  void write(DecoderTrainable trainable, Path folder) {
    try (Arena copies = new Arena("trained tensors on their way to " + folder.getFileName())) {
      if (tuning instanceof Tuning.Lora) {
        writeAdapter(trainable, folder.resolve("adapter"), copies);
      } else if (model.file() instanceof HuggingFaceFolder base) {
        ModelOutput.write(base, trainable.hostTensors(copies), folder.resolve("model"));
      } else {
        Map<String, Tensor> trained = trainable.hostTensors(copies);
        writeGguf((GgufModel) model.file(), trained, folder.resolve("model.gguf"));
      }
    }
  }

  private void writeGguf(GgufModel base, Map<String, Tensor> trained, Path file) {
    try {
      GgufExport.write(
          file,
          file.getParent().getFileName().toString(),
          model.config(),
          new ReplacedWeights(base, trained),
          GgmlType.F32,
          model.tokenizer().vocabulary(),
          base.gguf().metadata().optionalText("tokenizer.chat_template"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void writeAdapter(DecoderTrainable trainable, Path folder, Arena copies) {
    try {
      Path temporary = Folders.temporary(folder);
      PeftAdapter adapter = AdapterExchange.export(trainable, baseName, copies);
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
