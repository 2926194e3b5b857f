package org.sparktune.jobs.export;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.training.AdapterFiles;
import org.sparktune.jobs.training.OpenModel;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.chat.ChatTemplate;
import org.sparktune.tokenizer.chat.ChatTemplates;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.modelfile.PeftAdapter;
import org.sparktune.trainer.modelfile.WeightSource;
import org.sparktune.trainer.modelfile.export.AdapterMerge;
import org.sparktune.trainer.modelfile.export.GgufExport;
import org.sparktune.trainer.modelfile.export.GgufLora;
import org.sparktune.trainer.modelfile.export.HuggingFaceFolderWriter;

/** Writes one model, with an adapter on it or not, in any of the forms that other programs read. */
public final class ModelExporter implements AutoCloseable {
  private final Path modelPath;
  private final OpenModel model;
  private final Arena arena = new Arena("the adapter to export");
  private final Optional<PeftAdapter> adapter;

  /**
   * Opens what is to be exported.
   *
   * @param modelPath a Hugging Face folder or a GGUF file
   * @param adapterPath a PEFT folder, a GGUF LoRA or a checkpoint for it
   * @throws SparktuneException when one is broken or they do not fit
   */
  public ModelExporter(Path modelPath, Optional<Path> adapterPath) {
    this.modelPath = modelPath;
    this.model = OpenModel.open(modelPath);
    try {
      this.adapter = adapterPath.map(path -> AdapterFiles.read(path, model, arena));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Writes the adapter as a PEFT folder. */
  public void peft(Path folder) {
    refuseContents(folder);
    write(() -> requiredAdapter().write(folder));
  }

  /** Writes the adapter as a GGUF LoRA for llama.cpp. */
  public void ggufLora(Path file) {
    String name = modelPath.getFileName() + " LoRA";
    write(() -> GgufLora.write(file, name, requiredAdapter(), model.config()));
  }

  /** Writes the model, with the adapter merged into it, as one GGUF file. */
  public void gguf(GgmlType type, Path file) {
    Tokenizer tokenizer = model.tokenizer();
    Optional<String> template =
        ChatTemplates.ofModel(modelPath, tokenizer).map(ChatTemplate::source);
    String name = modelPath.getFileName().toString().replaceFirst("\\.gguf$", "");
    Merged merged = merged();
    write(
        () ->
            GgufExport.write(
                file,
                name,
                merged.config(),
                merged.weights(),
                type,
                tokenizer.vocabulary(),
                template));
  }

  /**
   * Writes the model, with the adapter merged into it, as a Hugging Face folder.
   *
   * @return a sentence for each thing that could not be carried over
   */
  public List<String> safetensors(DType type, Path folder) {
    Merged merged = merged();
    return HuggingFaceFolderWriter.write(
        folder, model.file(), merged.config(), merged.weights(), type);
  }

  @Override
  public void close() {
    arena.close();
    model.close();
  }

  private record Merged(WeightSource weights, DecoderConfig config) {}

  private Merged merged() {
    if (adapter.isEmpty()) {
      return new Merged(model.file(), model.config());
    }
    AdapterMerge merge = new AdapterMerge(model.file(), model.config(), adapter.get());
    return new Merged(merge, merge.config());
  }

  private PeftAdapter requiredAdapter() {
    return adapter.orElseThrow(
        () ->
            new SparktuneException(
                ErrorCode.USAGE, "No adapter was given to export.", "Name one with --adapter."));
  }

  private static void refuseContents(Path folder) {
    String[] contents = folder.toFile().list();
    if (contents != null && contents.length > 0) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "The folder %s exists and is not empty.".formatted(folder),
          "Give a folder that does not exist yet.");
    }
  }

  /** Something that writes. */
  private interface Writing {
    void run() throws IOException;
  }

  private static void write(Writing writing) {
    try {
      writing.run();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
