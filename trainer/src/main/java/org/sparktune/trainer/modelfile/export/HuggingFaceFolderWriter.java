package org.sparktune.trainer.modelfile.export;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.core.WriteFailure;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.modelfile.ModelFile;
import org.sparktune.trainer.modelfile.WeightSource;

/**
 * Writes a whole model as a Hugging Face folder: safetensors, configuration, tokenizer. The folder
 * appears complete or not at all.
 */
public final class HuggingFaceFolderWriter {
  /** Bytes of a shard, as transformers has them by default before version 5. */
  private static final long SHARD_BYTES = 5_000_000_000L;

  private HuggingFaceFolderWriter() {}

  /**
   * Writes the folder.
   *
   * @param folder where; absent or empty
   * @param base the model whose configuration and tokenizer the new one has
   * @param config the new model's shape
   * @param weights the new model's tensors by Hugging Face names: {@code base} itself, an {@link
   *     AdapterMerge} or {@link ReplacedWeights} over it
   * @param type F32, BF16 or F16
   * @return what a user should know: one sentence for each thing that could not be carried over
   * @throws SparktuneException OUTPUT when the folder holds something or cannot be written,
   *     UNSUPPORTED when the shape or the values cannot be expressed
   */
  public static List<String> write(
      Path folder, ModelFile base, DecoderConfig config, WeightSource weights, DType type) {
    return write(folder, base, config, weights, type, SHARD_BYTES);
  }

  static List<String> write(
      Path folder,
      ModelFile base,
      DecoderConfig config,
      WeightSource weights,
      DType type,
      long shardBytes) {
    Path absolute = folder.toAbsolutePath().normalize();
    Path temporary = absolute.resolveSibling(absolute.getFileName() + ".tmp");
    try {
      requireEmpty(absolute);
      delete(temporary);
      Files.createDirectories(temporary);
      try {
        List<String> notes = new ModelCompanions(base, config, type).write(temporary);
        new WeightShards(base, config, weights, type).write(temporary, shardBytes);
        Files.deleteIfExists(absolute);
        Files.move(temporary, absolute, StandardCopyOption.ATOMIC_MOVE);
        return notes;
      } finally {
        delete(temporary);
      }
    } catch (IOException e) {
      throw WriteFailure.of("The model folder " + folder, e);
    }
  }

  private static void requireEmpty(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    boolean empty = false;
    if (Files.isDirectory(folder)) {
      try (Stream<Path> entries = Files.list(folder)) {
        empty = entries.findAny().isEmpty();
      }
    }
    if (!empty) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "The model folder %s exists already.".formatted(folder),
          "Name another folder, or remove this one.");
    }
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
