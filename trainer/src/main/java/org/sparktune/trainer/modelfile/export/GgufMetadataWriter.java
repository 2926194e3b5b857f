package org.sparktune.trainer.modelfile.export;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.TokenizerVocabulary;
import org.sparktune.tokenizer.gguf.GgufValue;
import org.sparktune.trainer.model.Architecture;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.RopeScaling;

/** Puts a decoder's configuration and its tokenizer into GGUF's metadata keys. */
final class GgufMetadataWriter {
  private final Map<String, GgufValue> metadata = new LinkedHashMap<>();

  /** The metadata, in writing order. */
  Map<String, GgufValue> metadata() {
    return metadata;
  }

  GgufMetadataWriter text(String key, String value) {
    metadata.put(key, new GgufValue.Text(value));
    return this;
  }

  GgufMetadataWriter whole(String key, long value) {
    metadata.put(key, new GgufValue.Whole(GgufValue.Type.UINT32, value));
    return this;
  }

  GgufMetadataWriter real(String key, double value) {
    metadata.put(key, new GgufValue.Real(GgufValue.Type.FLOAT32, value));
    return this;
  }

  /** Adds what llama.cpp needs to know of the decoder. */
  void decoder(DecoderConfig config) {
    String prefix = config.architecture().ggufName() + ".";
    whole(prefix + "block_count", config.layers());
    whole(prefix + "context_length", config.maxPositions());
    whole(prefix + "embedding_length", config.hiddenSize());
    whole(prefix + "feed_forward_length", config.feedForwardSize());
    whole(prefix + "attention.head_count", config.heads());
    whole(prefix + "attention.head_count_kv", config.keyValueHeads());
    whole(prefix + "attention.key_length", config.headSize());
    whole(prefix + "attention.value_length", config.headSize());
    real(prefix + "attention.layer_norm_rms_epsilon", config.normEpsilon());
    whole(prefix + "rope.dimension_count", config.headSize());
    real(prefix + "rope.freq_base", config.ropeTheta());
    whole(prefix + "vocab_size", config.vocabularySize());
    int window = config.windows().get(0);
    if (window != Integer.MAX_VALUE && config.architecture() == Architecture.PHI3) {
      whole(prefix + "attention.sliding_window", window);
    }
    scaling(prefix + "rope.scaling.", config.ropeScaling());
  }

  private void scaling(String prefix, RopeScaling scaling) {
    if (scaling instanceof RopeScaling.Linear linear) {
      text(prefix + "type", "linear").real(prefix + "factor", linear.factor());
    } else if (scaling instanceof RopeScaling.Yarn yarn) {
      text(prefix + "type", "yarn")
          .real(prefix + "factor", yarn.factor())
          .whole(prefix + "original_context_length", yarn.originalPositions());
    } else if (scaling instanceof RopeScaling.LongRope longRope) {
      whole(prefix + "original_context_length", longRope.originalPositions())
          .real(prefix + "attn_factor", longRope.attentionFactor());
    } else if (scaling instanceof RopeScaling.Dynamic) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "The model scales its rotary frequencies by the document's length (rope type dynamic), which GGUF cannot express.",
          "Export safetensors instead.");
    }
  }

  /**
   * Adds the tokenizer.
   *
   * @param vocabularySize rows of the embedding; missing tokens are filled up
   */
  void tokenizer(
      TokenizerVocabulary vocabulary, int vocabularySize, Optional<String> chatTemplate) {
    if (vocabulary.tokens().size() > vocabularySize) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The tokenizer has %d tokens, but the model has embeddings for %d."
              .formatted(vocabulary.tokens().size(), vocabularySize),
          "Use the tokenizer that belongs to the model.");
    }
    List<GgufValue> tokens = new ArrayList<>();
    List<GgufValue> types = new ArrayList<>();
    List<GgufValue> scores = new ArrayList<>();
    for (int id = 0; id < vocabularySize; id++) {
      boolean known = id < vocabulary.tokens().size();
      tokens.add(new GgufValue.Text(known ? vocabulary.tokens().get(id) : "[PAD" + id + "]"));
      int type = known ? vocabulary.tokenTypes()[id] : TokenizerVocabulary.UNUSED;
      types.add(new GgufValue.Whole(GgufValue.Type.INT32, type));
      double score = id < vocabulary.scores().length ? vocabulary.scores()[id] : 0;
      scores.add(new GgufValue.Real(GgufValue.Type.FLOAT32, score));
    }
    text("tokenizer.ggml.model", vocabulary.model());
    text("tokenizer.ggml.pre", vocabulary.preTokenizer());
    metadata.put("tokenizer.ggml.tokens", new GgufValue.Sequence(GgufValue.Type.STRING, tokens));
    metadata.put("tokenizer.ggml.token_type", new GgufValue.Sequence(GgufValue.Type.INT32, types));
    if (vocabulary.scores().length > 0) {
      metadata.put("tokenizer.ggml.scores", new GgufValue.Sequence(GgufValue.Type.FLOAT32, scores));
    }
    if (!vocabulary.merges().isEmpty()) {
      List<GgufValue> merges = new ArrayList<>();
      vocabulary.merges().forEach(merge -> merges.add(new GgufValue.Text(merge)));
      metadata.put("tokenizer.ggml.merges", new GgufValue.Sequence(GgufValue.Type.STRING, merges));
    }
    id("bos", vocabulary.bosId());
    id("eos", vocabulary.eosId());
    id("unknown", vocabulary.unknownId());
    id("padding", vocabulary.paddingId());
    metadata.put("tokenizer.ggml.add_bos_token", new GgufValue.Flag(vocabulary.addBos()));
    metadata.put("tokenizer.ggml.add_eos_token", new GgufValue.Flag(vocabulary.addEos()));
    metadata.put(
        "tokenizer.ggml.add_space_prefix", new GgufValue.Flag(vocabulary.addSpacePrefix()));
    chatTemplate.ifPresent(template -> text("tokenizer.chat_template", template));
  }

  private void id(String name, OptionalInt id) {
    if (id.isPresent()) {
      whole("tokenizer.ggml." + name + "_token_id", id.getAsInt());
    }
  }
}
