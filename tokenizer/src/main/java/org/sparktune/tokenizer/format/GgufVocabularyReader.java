package org.sparktune.tokenizer.format;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.TokenizerDefinition;
import org.sparktune.tokenizer.TokenizerVocabulary;
import org.sparktune.tokenizer.gguf.GgufFile;
import org.sparktune.tokenizer.gguf.GgufMetadata;

/** Reads the vocabulary in the metadata of a GGUF file. */
public final class GgufVocabularyReader {
  private static final String PREFIX = "tokenizer.ggml.";

  private final Path file;
  private final GgufMetadata metadata;

  private GgufVocabularyReader(GgufFile gguf) {
    this.file = gguf.path();
    this.metadata = gguf.metadata();
  }

  /**
   * Reads a GGUF file's vocabulary.
   *
   * @throws SparktuneException if the file is damaged, has no vocabulary or one of a kind that is
   *     not supported
   */
  public static TokenizerDefinition read(Path file) {
    return new GgufVocabularyReader(GgufFile.read(file)).readAll();
  }

  private TokenizerDefinition readAll() {
    if (!metadata.has(PREFIX + "model")) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The GGUF file " + file + " holds no tokenizer.",
          "Give the model's own GGUF file or its tokenizer.json; adapters have no tokenizer.");
    }
    String model = metadata.text(PREFIX + "model");
    boolean byteLevel = model.equals("gpt2");
    if (!byteLevel && !model.equals("llama")) {
      throw unsupported("model", model);
    }
    String pre = metadata.optionalText(PREFIX + "pre").orElse("default");
    PreTokenizerNames words = PreTokenizerNames.of(pre);
    if (byteLevel && words == null) {
      throw unsupported("pre", pre);
    }
    List<String> tokens = metadata.texts(PREFIX + "tokens");
    boolean addBosByDefault = !byteLevel || words.addBos();
    TokenizerVocabulary vocabulary =
        new TokenizerVocabulary(
            model,
            pre,
            tokens,
            types(tokens.size()),
            byteLevel ? new float[0] : scores(tokens.size()),
            byteLevel ? metadata.texts(PREFIX + "merges") : List.of(),
            id("bos_token_id", tokens.size()),
            id("eos_token_id", tokens.size()),
            id("unknown_token_id", tokens.size()),
            id("padding_token_id", tokens.size()),
            metadata.flag(PREFIX + "add_bos_token", addBosByDefault),
            metadata.flag(PREFIX + "add_eos_token", false),
            metadata.flag(PREFIX + "add_space_prefix", !byteLevel));
    return new VocabularyAssembler(vocabulary, file, isPhi3()).assemble();
  }

  /** llama.cpp knows Phi-3 by its name, for want of a key that says how special tokens strip. */
  private boolean isPhi3() {
    String name = metadata.optionalText("general.name").orElse("").toLowerCase(Locale.ROOT);
    return name.contains("phi-3") || name.contains("phi3");
  }

  private int[] types(int size) {
    if (!metadata.has(PREFIX + "token_type")) {
      int[] types = new int[size];
      Arrays.fill(types, TokenizerVocabulary.NORMAL);
      return types;
    }
    int[] types = metadata.integers(PREFIX + "token_type");
    checkLength("token_type", types.length, size);
    return types;
  }

  private float[] scores(int size) {
    float[] scores = metadata.numbers(PREFIX + "scores");
    checkLength("scores", scores.length, size);
    return scores;
  }

  private void checkLength(String key, int length, int tokens) {
    if (length != tokens) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The GGUF file "
              + file
              + " has "
              + tokens
              + " tokens but "
              + length
              + " of "
              + PREFIX
              + key
              + ".",
          "Convert the model again.");
    }
  }

  private OptionalInt id(String key, int size) {
    int id = metadata.integer(PREFIX + key, -1);
    if (id >= size) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "In the GGUF file "
              + file
              + ", "
              + PREFIX
              + key
              + " is "
              + id
              + " of "
              + size
              + " tokens.",
          "Convert the model again.");
    }
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }

  private SparktuneException unsupported(String key, String value) {
    return new SparktuneException(
        ErrorCode.UNSUPPORTED,
        "The value '" + value + "' of " + PREFIX + key + " in " + file + " is not supported.",
        "Use a tokenizer.json of the same model, or a model of the Llama, Qwen, Phi or GPT-2 families.");
  }
}
