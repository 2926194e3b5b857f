package org.sparktune.trainer.modelfile.export;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.TokenizerDefinition;
import org.sparktune.tokenizer.TokenizerVocabulary;
import org.sparktune.tokenizer.format.GgufVocabularyReader;
import org.sparktune.tokenizer.format.HuggingFaceWriter;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.modelfile.GgufModel;
import org.sparktune.trainer.modelfile.HuggingFaceFolder;
import org.sparktune.trainer.modelfile.ModelFile;

/**
 * What belongs to a model in a Hugging Face folder beside its weights: copied from the base's
 * folder, or made from the metadata of its GGUF file.
 */
final class ModelCompanions {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
  private static final String CONFIG = "config.json";
  private static final String GENERATION = "generation_config.json";
  private static final String TOKENIZER_CONFIG = "tokenizer_config.json";

  /** Everything that tokenizers, generation and licences need; never weights or code. */
  private static final Pattern COPIED =
      Pattern.compile(
          "tokenizer.*|special_tokens_map\\.json|added_tokens\\.json|vocab\\.json|merges\\.txt"
              + "|chat_template\\..*|generation_config\\.json|LICENSE.*|NOTICE.*");

  private final ModelFile base;
  private final DecoderConfig config;
  private final String dtype;

  ModelCompanions(ModelFile base, DecoderConfig config, DType type) {
    this.base = base;
    this.config = config;
    this.dtype =
        switch (type) {
          case F32 -> "float32";
          case BF16 -> "bfloat16";
          case F16 -> "float16";
          case I32, I8 -> throw new IllegalArgumentException("Weights cannot be " + type);
        };
  }

  /** Writes the files; returns a sentence for each thing that could not be carried over. */
  List<String> write(Path folder) throws IOException {
    if (base instanceof HuggingFaceFolder from) {
      copy(from.path(), folder);
      return List.of();
    }
    return make((GgufModel) base, folder);
  }

  private void copy(Path from, Path folder) throws IOException {
    JsonNode read = JSON.readTree(from.resolve(CONFIG).toFile());
    if (!(read instanceof ObjectNode node)) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s is no JSON object.".formatted(from.resolve(CONFIG)),
          "Take the file as it was published with the model.");
    }
    node.put(node.has("dtype") ? "dtype" : "torch_dtype", dtype);
    node.put("tie_word_embeddings", config.tiedEmbeddings());
    // The weights are dense, and code that the base's folder may hold is not copied.
    node.remove(List.of("quantization_config", "auto_map"));
    JSON.writeValue(folder.resolve(CONFIG).toFile(), node);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        if (COPIED.matcher(file.getFileName().toString()).matches()) {
          Files.copy(file, folder.resolve(file.getFileName()));
        }
      }
    }
  }

  private List<String> make(GgufModel gguf, Path folder) throws IOException {
    TokenizerDefinition tokenizer = GgufVocabularyReader.read(gguf.path());
    TokenizerVocabulary vocabulary = tokenizer.exported();
    JSON.writeValue(
        folder.resolve(CONFIG).toFile(), HuggingFaceConfigWriter.write(config, dtype, vocabulary));
    JSON.writeValue(
        folder.resolve(GENERATION).toFile(), HuggingFaceConfigWriter.generation(vocabulary));
    JSON.writeValue(folder.resolve(TOKENIZER_CONFIG).toFile(), tokenizerConfig(gguf, vocabulary));
    HuggingFaceWriter.write(vocabulary, tokenizer.addedTokens(), folder.resolve("tokenizer.json"));
    return HuggingFaceWriter.isExact(vocabulary)
        ? List.of()
        : List.of(
            "%s has tokens of equal score, which tokenizer.json puts in an order: rare texts may get other ids."
                .formatted(gguf.path()));
  }

  private ObjectNode tokenizerConfig(GgufModel gguf, TokenizerVocabulary vocabulary) {
    ObjectNode node = JSON.createObjectNode();
    node.put("add_bos_token", vocabulary.addBos());
    node.put("add_eos_token", vocabulary.addEos());
    token(node, "bos_token", vocabulary.bosId(), vocabulary);
    gguf.gguf()
        .metadata()
        .optionalText("tokenizer.chat_template")
        .ifPresent(template -> node.put("chat_template", template));
    token(node, "eos_token", vocabulary.eosId(), vocabulary);
    // Older versions of transformers would take spaces before punctuation away.
    node.put("clean_up_tokenization_spaces", false);
    node.put("model_max_length", config.maxPositions());
    token(node, "pad_token", vocabulary.paddingId(), vocabulary);
    node.put("tokenizer_class", "PreTrainedTokenizerFast");
    token(node, "unk_token", vocabulary.unknownId(), vocabulary);
    return node;
  }

  private static void token(
      ObjectNode node, String key, OptionalInt id, TokenizerVocabulary vocabulary) {
    if (id.isPresent()) {
      node.put(key, vocabulary.tokens().get(id.getAsInt()));
    }
  }
}
