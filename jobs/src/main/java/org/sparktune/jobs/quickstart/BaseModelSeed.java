package org.sparktune.jobs.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.sparktune.core.AtomicFile;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.train.BpeTrainer;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.HuggingFaceConfig;
import org.sparktune.trainer.model.RandomWeights;
import org.sparktune.trainer.modelfile.SafetensorsWriter;

/**
 * Writes everything that the quickstart's base model is trained from: its text, a tokenizer learned
 * from it, and an untrained model as a Hugging Face folder. The same call gives the same bytes.
 */
public final class BaseModelSeed {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int DOCUMENTS = 60_000;
  private static final int INSTRUCTIONS = 1_600;
  private static final int VOCABULARY = 1_024;
  private static final long CORPUS_SEED = 7;
  private static final long INSTRUCTION_SEED = 11;
  private static final long WEIGHT_SEED = 13;
  private static final String END_OF_TEXT = "<|endoftext|>";

  /**
   * Ordinary words around the turns, because the base model never sees a special token but the end
   * of a text.
   */
  private static final String CHAT_TEMPLATE =
      "{% for message in messages %}{% if message.role == 'assistant' %}Answer: {{ message.content }}"
          + END_OF_TEXT
          + "{% elif message.role == 'system' %}{{ message.content }}\n{% else %}Question: {{ message.content }}\n"
          + "{% endif %}{% endfor %}{% if add_generation_prompt %}Answer:{% endif %}";

  private BaseModelSeed() {}

  /**
   * Writes {@code corpus.jsonl}, {@code instructions.jsonl} and the folder {@code untrained}.
   *
   * @param folder where; created if it is not there
   */
  public static void write(Path folder) throws IOException {
    Files.createDirectories(folder);
    Path corpus = folder.resolve("corpus.jsonl");
    AtomicFile.write(corpus, file -> CorpusWriter.writeDocuments(file, DOCUMENTS, CORPUS_SEED));
    AtomicFile.write(
        folder.resolve("instructions.jsonl"),
        file -> CorpusWriter.writeInstructions(file, INSTRUCTIONS, INSTRUCTION_SEED));
    Path model = folder.resolve("untrained");
    Files.createDirectories(model);
    Tokenizer tokenizer = trainTokenizer(corpus, model.resolve("tokenizer.json"));
    writeJson(
        model.resolve("tokenizer_config.json"),
        JSON.createObjectNode()
            .put("tokenizer_class", "PreTrainedTokenizerFast")
            .put("eos_token", END_OF_TEXT)
            .put("pad_token", END_OF_TEXT)
            .put("chat_template", CHAT_TEMPLATE));
    writeJson(model.resolve("config.json"), config(tokenizer));
    writeWeights(
        HuggingFaceConfig.read(model.resolve("config.json")), model.resolve("model.safetensors"));
  }

  private static Tokenizer trainTokenizer(Path corpus, Path file) throws IOException {
    try (Stream<String> lines = Files.lines(corpus)) {
      return new BpeTrainer(VOCABULARY, List.of(END_OF_TEXT))
          .count(lines.map(BaseModelSeed::text).iterator())
          .write(file);
    }
  }

  private static String text(String line) {
    try {
      JsonNode record = JSON.readTree(line);
      return record.get("text").asText();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A Llama of 2.6 million parameters. */
  private static ObjectNode config(Tokenizer tokenizer) {
    ObjectNode config = JSON.createObjectNode();
    config.putArray("architectures").add("LlamaForCausalLM");
    return config
        .put("model_type", "llama")
        .put("vocab_size", tokenizer.vocabularySize())
        .put("hidden_size", 192)
        .put("intermediate_size", 512)
        .put("num_hidden_layers", 6)
        .put("num_attention_heads", 6)
        .put("num_key_value_heads", 2)
        .put("head_dim", 32)
        .put("max_position_embeddings", 512)
        .put("rms_norm_eps", 1e-5)
        .put("rope_theta", 10_000.0)
        .put("tie_word_embeddings", true)
        .put("hidden_act", "silu")
        .put("bos_token_id", tokenizer.eosId().orElseThrow())
        .put("eos_token_id", tokenizer.eosId().orElseThrow())
        .put("torch_dtype", "float32");
  }

  private static void writeWeights(DecoderConfig config, Path file) throws IOException {
    RandomWeights weights = new RandomWeights(config, WEIGHT_SEED);
    try (Arena arena = new Arena("the untrained model")) {
      Map<String, Tensor> tensors = new TreeMap<>();
      for (String name : weights.names()) {
        Tensor tensor = arena.allocate(DType.F32, weights.shape(name));
        weights.read(name, tensor);
        tensors.put(name, tensor);
      }
      SafetensorsWriter.write(file, tensors);
    }
  }

  private static void writeJson(Path file, ObjectNode node) throws IOException {
    byte[] text = JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(node);
    AtomicFile.write(file, temporary -> Files.write(temporary, text));
  }
}
