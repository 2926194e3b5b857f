package org.sparktune.trainer.modelfile.export;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.modelfile.ModelFile;

/** A model's tokenizer and chat template as files of their own. */
public final class TokenizerFiles {
  private TokenizerFiles() {}

  /** Writes them into a folder that exists: copied from the model's, or made of its GGUF file. */
  public static void write(ModelFile model, DecoderConfig config, Path folder) throws IOException {
    new ModelCompanions(model, config, DType.F32).write(folder);
    // What is about the model alone.
    Files.deleteIfExists(folder.resolve("config.json"));
    Files.deleteIfExists(folder.resolve("generation_config.json"));
  }
}
