package org.sparktune.trainer.modelfile.export;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.OptionalInt;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.TokenizerVocabulary;
import org.sparktune.trainer.model.Architecture;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.RopeScaling;

/**
 * Makes a Hugging Face {@code config.json} of a decoder's shape, for models that come without one.
 * Rotary settings are written twice: as {@code rope_parameters} for transformers from version 5 on,
 * and as {@code rope_theta} and {@code rope_scaling} for those before.
 */
final class HuggingFaceConfigWriter {
  private final DecoderConfig config;
  private final ObjectNode node = JsonNodeFactory.instance.objectNode();

  private HuggingFaceConfigWriter(DecoderConfig config) {
    this.config = config;
  }

  /**
   * The file's contents.
   *
   * @param dtype the element type of the weights, as PyTorch calls it
   * @throws SparktuneException UNSUPPORTED when transformers' classes cannot express the shape
   */
  static ObjectNode write(DecoderConfig config, String dtype, TokenizerVocabulary vocabulary) {
    return new HuggingFaceConfigWriter(config).write(dtype, vocabulary);
  }

  /** The contents of {@code generation_config.json}. */
  static ObjectNode generation(TokenizerVocabulary vocabulary) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("_from_model_config", true);
    ids(node, vocabulary);
    return node;
  }

  private ObjectNode write(String dtype, TokenizerVocabulary vocabulary) {
    Architecture architecture = config.architecture();
    node.putArray("architectures").add(architecture.className());
    node.put("model_type", architecture.modelType());
    biases();
    ids(node, vocabulary);
    node.put("torch_dtype", dtype);
    if (architecture == Architecture.LLAMA
        || architecture == Architecture.QWEN3
        || config.headSize() * config.heads() != config.hiddenSize()) {
      node.put("head_dim", config.headSize());
    }
    node.put("hidden_act", "silu");
    node.put("hidden_size", config.hiddenSize());
    node.put("intermediate_size", config.feedForwardSize());
    node.put("max_position_embeddings", config.maxPositions());
    node.put("num_attention_heads", config.heads());
    node.put("num_hidden_layers", config.layers());
    node.put("num_key_value_heads", config.keyValueHeads());
    // The shortest decimal of the float, as it was in the file the shape came from.
    node.put("rms_norm_eps", Double.parseDouble(Float.toString(config.normEpsilon())));
    windows();
    rope();
    node.put("tie_word_embeddings", config.tiedEmbeddings());
    node.put("use_cache", true);
    node.put("vocab_size", config.vocabularySize());
    return node;
  }

  private void biases() {
    boolean attention = config.outputBias();
    switch (config.architecture()) {
      case LLAMA -> {
        require(config.queryKeyValueBias() == attention, "biases of q, k and v but not of o");
        node.put("attention_bias", attention).put("mlp_bias", config.feedForwardBias());
      }
      case QWEN3 -> {
        require(config.queryKeyValueBias() == attention, "biases of q, k and v but not of o");
        require(!config.feedForwardBias(), "biases in the feed-forward layers");
        node.put("attention_bias", attention);
      }
      case QWEN2 -> require(!attention && !config.feedForwardBias(), "biases of o, gate or up");
      case PHI3 ->
          require(!config.queryKeyValueBias() && !attention && !config.feedForwardBias(), "biases");
    }
  }

  private static void ids(ObjectNode node, TokenizerVocabulary vocabulary) {
    id(node, "bos_token_id", vocabulary.bosId());
    id(node, "eos_token_id", vocabulary.eosId());
    id(node, "pad_token_id", vocabulary.paddingId());
  }

  private static void id(ObjectNode node, String key, OptionalInt id) {
    if (id.isPresent()) {
      node.put(key, id.getAsInt());
    }
  }

  private void windows() {
    List<Integer> windows = config.windows();
    int smallest = windows.stream().mapToInt(Integer::intValue).min().orElse(Integer.MAX_VALUE);
    boolean windowed = smallest != Integer.MAX_VALUE;
    switch (config.architecture()) {
      case LLAMA -> require(!windowed, "attention windows");
      case PHI3 -> {
        require(windows.stream().allMatch(w -> w == smallest), "windows of several sizes");
        window(windowed, smallest);
      }
      case QWEN2, QWEN3 -> {
        node.put("use_sliding_window", windowed);
        window(windowed, smallest);
        ArrayNode types = node.putArray("layer_types");
        for (int window : windows) {
          require(window == smallest || window == Integer.MAX_VALUE, "windows of several sizes");
          types.add(window == Integer.MAX_VALUE ? "full_attention" : "sliding_attention");
        }
      }
    }
  }

  private void window(boolean windowed, int size) {
    if (windowed) {
      node.put("sliding_window", size);
    } else {
      node.putNull("sliding_window");
    }
  }

  private void rope() {
    ObjectNode scaling = scaling();
    ObjectNode parameters = scaling.deepCopy();
    parameters.put("rope_theta", config.ropeTheta());
    node.put("rope_theta", config.ropeTheta());
    if (config.ropeScaling() instanceof RopeScaling.None) {
      node.putNull("rope_scaling");
    } else {
      // Phi-3's own class accepts these three keys and no others before version 5.
      if (config.ropeScaling() instanceof RopeScaling.LongRope longRope) {
        node.put("original_max_position_embeddings", longRope.originalPositions());
        scaling.retain("short_factor", "long_factor");
        scaling.put("type", "longrope");
      }
      node.set("rope_scaling", scaling);
    }
    node.set("rope_parameters", parameters);
  }

  private ObjectNode scaling() {
    ObjectNode rope = JsonNodeFactory.instance.objectNode();
    RopeScaling scaling = config.ropeScaling();
    if (scaling instanceof RopeScaling.None) {
      rope.put("rope_type", "default");
    } else if (scaling instanceof RopeScaling.Linear linear) {
      rope.put("rope_type", "linear").put("factor", linear.factor());
    } else if (scaling instanceof RopeScaling.Dynamic dynamic) {
      rope.put("rope_type", "dynamic").put("factor", dynamic.factor());
    } else if (scaling instanceof RopeScaling.Llama3 llama3) {
      llama3(rope, llama3);
    } else if (scaling instanceof RopeScaling.Divisors divisors) {
      llama3(rope, Llama3Divisors.recognize(divisors, config));
    } else if (scaling instanceof RopeScaling.LongRope longRope) {
      rope.put("rope_type", "longrope");
      divisors(rope.putArray("short_factor"), longRope.shortDivisors());
      divisors(rope.putArray("long_factor"), longRope.longDivisors());
      rope.put("original_max_position_embeddings", longRope.originalPositions());
      rope.put("attention_factor", longRope.attentionFactor());
    } else if (scaling instanceof RopeScaling.Yarn yarn) {
      rope.put("rope_type", "yarn").put("factor", yarn.factor());
      rope.put("original_max_position_embeddings", yarn.originalPositions());
      rope.put("beta_fast", yarn.betaFast()).put("beta_slow", yarn.betaSlow());
      rope.put("attention_factor", yarn.attentionFactor());
    }
    return rope;
  }

  private static void llama3(ObjectNode rope, RopeScaling.Llama3 llama3) {
    rope.put("rope_type", "llama3").put("factor", llama3.factor());
    rope.put("low_freq_factor", llama3.lowFrequencyFactor());
    rope.put("high_freq_factor", llama3.highFrequencyFactor());
    rope.put("original_max_position_embeddings", llama3.originalPositions());
  }

  private static void divisors(ArrayNode array, List<Double> divisors) {
    for (double divisor : divisors) {
      // They were 32-bit numbers in the file; this is the shortest decimal of the same number.
      array.add(Double.parseDouble(Float.toString((float) divisor)));
    }
  }

  private void require(boolean expressible, String what) {
    if (!expressible) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "The model has %s, which %s cannot express."
              .formatted(what, config.architecture().className()),
          "Export GGUF instead.");
    }
  }
}
