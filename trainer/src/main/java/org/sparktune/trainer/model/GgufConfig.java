package org.sparktune.trainer.model;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.gguf.GgufFile;
import org.sparktune.tokenizer.gguf.GgufMetadata;
import org.sparktune.tokenizer.gguf.GgufTensor;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.WeightSource;

/** Reads a decoder's shape from a GGUF file: its metadata, and which tensors it has. */
public final class GgufConfig {
  private static final String FREQUENCY_DIVISORS = "rope_freqs.weight";
  private static final String SHORT_DIVISORS = "rope_factors_short.weight";
  private static final String LONG_DIVISORS = "rope_factors_long.weight";

  private final GgufFile gguf;
  private final GgufMetadata metadata;
  private final WeightSource source;
  private final Architecture architecture;

  private GgufConfig(GgufFile gguf, WeightSource source) {
    this.gguf = gguf;
    this.metadata = gguf.metadata();
    this.source = source;
    String name = metadata.text("general.architecture");
    this.architecture =
        Architecture.ofGgufName(name)
            .orElseThrow(() -> unsupported("architecture", name, Architecture.supported()));
  }

  /**
   * Reads a configuration.
   *
   * @param gguf the file's header
   * @param source its tensors; GGUF's rotary factors are tensors under their own names
   * @throws SparktuneException when a key is missing or something is not supported
   */
  public static DecoderConfig read(GgufFile gguf, WeightSource source) {
    return new GgufConfig(gguf, source).config();
  }

  private DecoderConfig config() {
    int hiddenSize = integer("embedding_length");
    int heads = integer("attention.head_count");
    int layers = integer("block_count");
    int headSize = metadata.integer(key("attention.key_length"), hiddenSize / Math.max(1, heads));
    int maxPositions = integer("context_length");
    int rotated = metadata.integer(key("rope.dimension_count"), headSize);
    if (rotated != headSize) {
      throw unsupported("rope.dimension_count", String.valueOf(rotated), "all of a head");
    }
    return new DecoderConfig(
        architecture,
        vocabularySize(),
        hiddenSize,
        integer("feed_forward_length"),
        layers,
        heads,
        metadata.integer(key("attention.head_count_kv"), heads),
        headSize,
        maxPositions,
        (float) metadata.number(key("attention.layer_norm_rms_epsilon")),
        !has("output.weight"),
        has("blk.0.attn_q.bias") || has("blk.0.attn_qkv.bias"),
        has("blk.0.attn_output.bias"),
        has("blk.0.ffn_down.bias"),
        windows(layers),
        metadata.number(key("rope.freq_base"), 10_000),
        scaling(headSize, maxPositions));
  }

  private int vocabularySize() {
    GgufTensor table =
        gguf.tensor("token_embd.weight")
            .orElseThrow(
                () ->
                    new SparktuneException(
                        ErrorCode.BAD_FILE,
                        "%s has no tensor token_embd.weight.".formatted(gguf.path()),
                        "Take a complete model file, not a vocabulary or an adapter."));
    return Math.toIntExact(table.rows());
  }

  private List<Integer> windows(int layers) {
    int window = metadata.integer(key("attention.sliding_window"), 0);
    boolean windowed = architecture == Architecture.PHI3 && window > 0;
    return windowed ? Collections.nCopies(layers, window) : DecoderConfig.noWindows(layers);
  }

  private RopeScaling scaling(int headSize, int maxPositions) {
    String type = metadata.optionalText(key("rope.scaling.type")).orElse("none");
    int originalPositions =
        metadata.integer(key("rope.scaling.original_context_length"), maxPositions);
    if (has(LONG_DIVISORS)) {
      double attentionFactor =
          metadata.number(
              key("rope.scaling.attn_factor"),
              RopeScaling.LongRope.defaultAttentionFactor(maxPositions, originalPositions));
      return new RopeScaling.LongRope(
          divisors(SHORT_DIVISORS, headSize),
          divisors(LONG_DIVISORS, headSize),
          originalPositions,
          attentionFactor);
    }
    if (has(FREQUENCY_DIVISORS)) {
      return new RopeScaling.Divisors(divisors(FREQUENCY_DIVISORS, headSize));
    }
    return switch (type) {
      case "none" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(metadata.number(key("rope.scaling.factor")));
      case "yarn" -> {
        double factor = metadata.number(key("rope.scaling.factor"));
        double attentionFactor =
            metadata.number(key("rope.scaling.attn_factor"), 1)
                * RopeScaling.Yarn.defaultAttentionFactor(factor);
        yield new RopeScaling.Yarn(factor, originalPositions, 32, 1, attentionFactor);
      }
      default -> throw unsupported("rope.scaling.type", type, "none, linear, longrope, yarn");
    };
  }

  private List<Double> divisors(String tensor, int headSize) {
    try (Arena arena = new Arena(tensor)) {
      Tensor values = arena.allocate(DType.F32, headSize / 2);
      source.read(tensor, values);
      List<Double> divisors = new ArrayList<>();
      for (long i = 0; i < values.size(); i++) {
        divisors.add((double) values.getFloat(i));
      }
      return divisors;
    }
  }

  private boolean has(String tensor) {
    return gguf.tensor(tensor).isPresent();
  }

  private int integer(String name) {
    return metadata.integer(key(name));
  }

  private String key(String name) {
    return architecture.ggufName() + "." + name;
  }

  private SparktuneException unsupported(String what, String value, String supported) {
    return new SparktuneException(
        ErrorCode.UNSUPPORTED,
        "%s has the %s \"%s\", which is not supported.".formatted(gguf.path(), what, value),
        "Supported: " + supported + ".");
  }
}
