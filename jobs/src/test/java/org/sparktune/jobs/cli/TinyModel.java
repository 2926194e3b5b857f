package org.sparktune.jobs.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.train.BpeTrainer;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.HuggingFaceConfig;
import org.sparktune.trainer.model.RandomWeights;
import org.sparktune.trainer.modelfile.SafetensorsWriter;

/** Writes an untrained Llama of a few thousand parameters with its own tokenizer and template. */
public final class TinyModel {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int HIDDEN = 32;
  private static final String END_OF_TEXT = "<|endoftext|>";
  private static final String CHAT_TEMPLATE =
      "{% for message in messages %}{% if message.role == 'assistant' %}A: {{ message.content }}"
          + END_OF_TEXT
          + "{% else %}Q: {{ message.content }}\n{% endif %}{% endfor %}"
          + "{% if add_generation_prompt %}A:{% endif %}";

  private TinyModel() {}

  /** Writes a model that nothing is wrong with. */
  public static Path write(Path folder) throws IOException {
    return write(folder, (name, tensor) -> {});
  }

  /**
   * Writes a model.
   *
   * @param change may change any tensor before it is written
   */
  static Path write(Path folder, BiConsumer<String, Tensor> change) throws IOException {
    return write(folder, change, false);
  }

  /** Writes a reward model: the same with a score head. */
  public static Path writeRewardModel(Path folder) throws IOException {
    return write(folder, (name, tensor) -> {}, true);
  }

  private static Path write(Path folder, BiConsumer<String, Tensor> change, boolean scores)
      throws IOException {
    Files.createDirectories(folder);
    Tokenizer tokenizer =
        new BpeTrainer(300, List.of(END_OF_TEXT))
            .count(List.of("What is one and one? Two.", "What is two and one? Three.").iterator())
            .write(folder.resolve("tokenizer.json"));
    writeJson(
        folder.resolve("tokenizer_config.json"),
        JSON.createObjectNode()
            .put("tokenizer_class", "PreTrainedTokenizerFast")
            .put("eos_token", END_OF_TEXT)
            .put("pad_token", END_OF_TEXT)
            .put("chat_template", CHAT_TEMPLATE));
    Path config = folder.resolve("config.json");
    writeJson(config, config(tokenizer));
    RandomWeights weights = new RandomWeights(HuggingFaceConfig.read(config), 3);
    try (Arena arena = new Arena("the tiny model")) {
      Map<String, Tensor> tensors = new TreeMap<>();
      for (String name : weights.names()) {
        Tensor tensor = arena.allocate(DType.F32, weights.shape(name));
        weights.read(name, tensor);
        change.accept(name, tensor);
        tensors.put(name, tensor);
      }
      if (scores) {
        Tensor head = arena.allocate(DType.F32, 1, HIDDEN);
        float[] values = new float[HIDDEN];
        for (int i = 0; i < HIDDEN; i++) {
          values[i] = (float) Math.sin(i);
        }
        tensors.put("score.weight", head.set(values));
      }
      SafetensorsWriter.write(folder.resolve("model.safetensors"), tensors);
    }
    return folder;
  }

  /** Changes one value of a JSON file; null removes it. */
  static void setJson(Path file, String key, Object value) throws IOException {
    ObjectNode node = (ObjectNode) JSON.readTree(file.toFile());
    if (value == null) {
      node.remove(key);
    } else {
      node.set(key, JSON.valueToTree(value));
    }
    writeJson(file, node);
  }

  private static ObjectNode config(Tokenizer tokenizer) {
    ObjectNode config = JSON.createObjectNode();
    config.putArray("architectures").add("LlamaForCausalLM");
    return config
        .put("model_type", "llama")
        .put("vocab_size", tokenizer.vocabularySize())
        .put("hidden_size", HIDDEN)
        .put("intermediate_size", 48)
        .put("num_hidden_layers", 2)
        .put("num_attention_heads", 4)
        .put("num_key_value_heads", 2)
        .put("head_dim", 8)
        .put("max_position_embeddings", 128)
        .put("rms_norm_eps", 1e-5)
        .put("rope_theta", 10_000.0)
        .put("tie_word_embeddings", true)
        .put("hidden_act", "silu")
        .put("bos_token_id", tokenizer.eosId().orElseThrow())
        .put("eos_token_id", tokenizer.eosId().orElseThrow())
        .put("torch_dtype", "float32");
  }

  private static void writeJson(Path file, ObjectNode node) throws IOException {
    Files.write(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(node));
  }
}
