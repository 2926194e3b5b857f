package org.sparktune.trainer.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Reads a decoder's shape from a Hugging Face {@code config.json}: both the older {@code
 * rope_theta} + {@code rope_scaling} and the newer {@code rope_parameters}.
 */
public final class HuggingFaceConfig {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String ROPE_TYPES = "default, linear, dynamic, llama3, longrope, yarn";

  private final ConfigFields fields;
  private final Architecture architecture;

  private HuggingFaceConfig(ConfigFields fields) {
    this.fields = fields;
    this.architecture = architecture(fields);
  }

  /**
   * Reads a configuration.
   *
   * @param file {@code config.json}
   * @throws SparktuneException when the file, a key or the architecture is missing or unsupported
   */
  public static DecoderConfig read(Path file) {
    JsonNode node;
    try {
      node = MAPPER.readTree(Files.readString(file));
    } catch (JsonProcessingException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s is not JSON: %s.".formatted(file, e.getOriginalMessage()),
          "Take the file as it was published with the model.",
          e);
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s cannot be read: %s.".formatted(file, e.getMessage()),
          "Check the path of the model folder.",
          e);
    }
    return new HuggingFaceConfig(new ConfigFields(file.toString(), "", node)).config();
  }

  private static Architecture architecture(ConfigFields fields) {
    String modelType = fields.text("model_type");
    return Architecture.ofModelType(modelType)
        .orElseThrow(() -> fields.unsupported("model_type", modelType, Architecture.supported()));
  }

  private DecoderConfig config() {
    String activation = fields.text("hidden_act", "silu");
    if (!activation.equals("silu")) {
      throw fields.unsupported("hidden_act", activation, "silu");
    }
    int hiddenSize = fields.integer("hidden_size");
    int layers = fields.integer("num_hidden_layers");
    int heads = fields.integer("num_attention_heads");
    int headSize = fields.integer("head_dim", hiddenSize / Math.max(1, heads));
    int maxPositions = fields.integer("max_position_embeddings");
    boolean attentionBias = fields.flag("attention_bias", false);
    ConfigFields rope = ropeFields();
    return new DecoderConfig(
        architecture,
        fields.integer("vocab_size"),
        hiddenSize,
        fields.integer("intermediate_size"),
        layers,
        heads,
        fields.integer("num_key_value_heads", heads),
        headSize,
        maxPositions,
        (float) fields.number("rms_norm_eps"),
        fields.flag("tie_word_embeddings", false),
        architecture.queryKeyValueBias() || attentionBias,
        !architecture.queryKeyValueBias() && attentionBias,
        fields.flag("mlp_bias", false),
        windows(layers),
        rope.has("rope_theta") ? rope.number("rope_theta") : fields.number("rope_theta", 10_000),
        scaling(rope, headSize, maxPositions));
  }

  private List<Integer> windows(int layers) {
    boolean windowed =
        switch (architecture) {
          case LLAMA -> false;
          case PHI3 -> fields.has("sliding_window");
          case QWEN2, QWEN3 ->
              fields.flag("use_sliding_window", false) && fields.has("sliding_window");
        };
    if (!windowed) {
      return DecoderConfig.noWindows(layers);
    }
    int window = fields.integer("sliding_window");
    if (fields.has("layer_types")) {
      List<Integer> windows = new ArrayList<>();
      for (String type : fields.texts("layer_types")) {
        windows.add(type.equals("sliding_attention") ? window : Integer.MAX_VALUE);
      }
      return windows;
    }
    int firstWindowed =
        architecture == Architecture.PHI3
            ? 0
            : Math.min(layers, fields.integer("max_window_layers"));
    List<Integer> windows = new ArrayList<>(Collections.nCopies(firstWindowed, Integer.MAX_VALUE));
    windows.addAll(Collections.nCopies(layers - firstWindowed, window));
    return windows;
  }

  private ConfigFields ropeFields() {
    if (fields.has("rope_parameters")) {
      return fields.object("rope_parameters");
    }
    return fields.has("rope_scaling")
        ? fields.object("rope_scaling")
        : new ConfigFields(fields.file(), "", MAPPER.createObjectNode());
  }

  private RopeScaling scaling(ConfigFields rope, int headSize, int maxPositions) {
    double rotated =
        rope.number("partial_rotary_factor", fields.number("partial_rotary_factor", 1));
    if (rotated != 1) {
      throw rope.unsupported("partial_rotary_factor", String.valueOf(rotated), "1.0");
    }
    String type = rope.text("rope_type", rope.text("type", "default"));
    int originalPositions =
        rope.integer(
            "original_max_position_embeddings",
            fields.integer("original_max_position_embeddings", maxPositions));
    return switch (type) {
      case "default" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(rope.number("factor"));
      case "dynamic" -> new RopeScaling.Dynamic(rope.number("factor"), maxPositions);
      case "llama3" ->
          new RopeScaling.Llama3(
              rope.number("factor"),
              rope.number("low_freq_factor"),
              rope.number("high_freq_factor"),
              rope.integer("original_max_position_embeddings"));
      case "longrope", "su" ->
          new RopeScaling.LongRope(
              rope.numbers("short_factor", headSize / 2),
              rope.numbers("long_factor", headSize / 2),
              originalPositions,
              rope.number(
                  "attention_factor",
                  RopeScaling.LongRope.defaultAttentionFactor(maxPositions, originalPositions)));
      case "yarn" -> yarn(rope, originalPositions);
      default -> throw rope.unsupported("rope_type", type, ROPE_TYPES);
    };
  }

  private static RopeScaling yarn(ConfigFields rope, int originalPositions) {
    double factor = rope.number("factor");
    double attentionFactor = RopeScaling.Yarn.defaultAttentionFactor(factor);
    if (rope.has("mscale") && rope.has("mscale_all_dim")) {
      attentionFactor =
          RopeScaling.Yarn.magnitudeScale(factor, rope.number("mscale"))
              / RopeScaling.Yarn.magnitudeScale(factor, rope.number("mscale_all_dim"));
    }
    return new RopeScaling.Yarn(
        factor,
        originalPositions,
        rope.number("beta_fast", 32),
        rope.number("beta_slow", 1),
        rope.number("attention_factor", attentionFactor));
  }
}
