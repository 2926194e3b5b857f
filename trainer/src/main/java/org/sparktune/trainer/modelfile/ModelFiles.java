package org.sparktune.trainer.modelfile;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** Opens models, whatever their format. */
public final class ModelFiles {
  private static final String ACCEPTED =
      "Give a Hugging Face folder (config.json and safetensors) or a GGUF file.";

  private ModelFiles() {}

  /**
   * Opens a model.
   *
   * @param path a GGUF file, a Hugging Face folder, or a folder with one GGUF file
   * @throws SparktuneException when there is no model or it is damaged
   */
  public static ModelFile open(Path path) {
    if (Files.isRegularFile(path)) {
      return GgufModel.open(path);
    }
    if (!Files.isDirectory(path)) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE, "There is no model at %s.".formatted(path), ACCEPTED);
    }
    if (!Files.exists(path.resolve("config.json"))) {
      List<Path> ggufFiles = ggufFiles(path);
      if (ggufFiles.size() == 1) {
        return GgufModel.open(ggufFiles.get(0));
      }
      if (ggufFiles.size() > 1) {
        throw new SparktuneException(
            ErrorCode.BAD_FILE,
            "The folder %s has %d GGUF files.".formatted(path, ggufFiles.size()),
            "Name the one that you mean.");
      }
    }
    return HuggingFaceFolder.open(path);
  }

  private static List<Path> ggufFiles(Path folder) {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, "*.gguf")) {
      stream.forEach(files::add);
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The folder %s cannot be read: %s.".formatted(folder, e.getMessage()),
          ACCEPTED,
          e);
    }
    return files;
  }
}
