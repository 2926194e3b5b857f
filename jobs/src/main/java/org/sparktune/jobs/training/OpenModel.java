package org.sparktune.jobs.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.Fingerprint;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.GgufConfig;
import org.sparktune.trainer.model.HuggingFaceConfig;
import org.sparktune.trainer.modelfile.GgufModel;
import org.sparktune.trainer.modelfile.HuggingFaceFolder;
import org.sparktune.trainer.modelfile.ModelFile;
import org.sparktune.trainer.modelfile.ModelFiles;

/**
 * A model on disk with its shape; the tokenizer is read when it is asked for.
 *
 * @param file the weights
 * @param config the shape
 */
public record OpenModel(ModelFile file, DecoderConfig config) implements AutoCloseable {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SCORE_HEAD = "score.weight";
  private static final String PADDING = "pad_token_id";

  /** Opens a Hugging Face folder or a GGUF file. */
  public static OpenModel open(Path path) {
    ModelFile file = ModelFiles.open(path);
    try {
      return new OpenModel(file, config(file));
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static DecoderConfig config(ModelFile file) {
    return file instanceof GgufModel gguf
        ? GgufConfig.read(gguf.gguf(), gguf)
        : HuggingFaceConfig.read(file.path().resolve("config.json"));
  }

  /**
   * The model's own tokenizer.
   *
   * @throws SparktuneException {@code MISMATCH} if it has ids that the model has no embedding for
   */
  public Tokenizer tokenizer() {
    Tokenizer tokenizer = Tokenizers.load(file.path());
    if (tokenizer.vocabularySize() > config.vocabularySize()) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The tokenizer of %s has a vocabulary of %,d tokens, but the model has %,d embeddings."
              .formatted(file.path(), tokenizer.vocabularySize(), config.vocabularySize()),
          "Use the tokenizer that the model was trained with.");
    }
    return tokenizer;
  }

  /** Whether it is a whole reward model: the score head lies beside the body's tensors. */
  boolean isRewardModel() {
    return file.has(SCORE_HEAD);
  }

  /** The {@code pad_token_id} of a Hugging Face folder; a GGUF file leaves nothing to skip. */
  OptionalInt paddingId() {
    if (!(file instanceof HuggingFaceFolder folder)) {
      return OptionalInt.empty();
    }
    try {
      JsonNode id = JSON.readTree(folder.path().resolve("config.json").toFile()).path(PADDING);
      return id.canConvertToInt() ? OptionalInt.of(id.intValue()) : OptionalInt.empty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Over names and shapes of all tensors and the configuration: not over gigabytes of weights. */
  public String fingerprint() {
    Fingerprint fingerprint = new Fingerprint().add(config.toString());
    for (String name : file.names()) {
      fingerprint.add(name);
      for (long dimension : file.shape(name)) {
        fingerprint.add(dimension);
      }
    }
    return fingerprint.finish();
  }

  @Override
  public void close() {
    file.close();
  }
}
