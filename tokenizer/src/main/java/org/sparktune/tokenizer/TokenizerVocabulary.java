package org.sparktune.tokenizer;

import java.util.List;
import java.util.OptionalInt;

/**
 * A tokenizer as GGUF metadata holds it, for writing model files.
 *
 * @param model {@code gpt2} (byte-level BPE) or {@code llama} (SentencePiece BPE)
 * @param preTokenizer the value of {@code tokenizer.ggml.pre}
 * @param tokens spelling by id
 * @param tokenTypes by id: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
 * @param scores by id; empty for {@code gpt2}
 * @param merges in order, {@code "left right"}; empty for {@code llama}
 * @param bosId beginning of sequence
 * @param eosId end of sequence
 * @param unknownId unknown token
 * @param paddingId padding
 * @param addBos whether a sequence begins with {@code bosId}
 * @param addEos whether a sequence ends with {@code eosId}
 * @param addSpacePrefix whether text gets a space in front
 */
public record TokenizerVocabulary(
    String model,
    String preTokenizer,
    List<String> tokens,
    int[] tokenTypes,
    float[] scores,
    List<String> merges,
    OptionalInt bosId,
    OptionalInt eosId,
    OptionalInt unknownId,
    OptionalInt paddingId,
    boolean addBos,
    boolean addEos,
    boolean addSpacePrefix) {
  /** {@link #tokenTypes}: text. */
  public static final int NORMAL = 1;

  /** {@link #tokenTypes}: stands for what the vocabulary cannot spell. */
  public static final int UNKNOWN = 2;

  /** {@link #tokenTypes}: special, never text. */
  public static final int CONTROL = 3;

  /** {@link #tokenTypes}: added, found in text before anything else. */
  public static final int USER_DEFINED = 4;

  /** {@link #tokenTypes}: fills a gap in the ids. */
  public static final int UNUSED = 5;

  /** {@link #tokenTypes}: one byte. */
  public static final int BYTE = 6;

  /** The ids up to the last that is more than filler up to the size of the embedding. */
  public int sizeWithoutFiller() {
    int size = tokens.size();
    while (size > 0 && isFiller(size - 1)) {
      size--;
    }
    return size;
  }

  /** Converters mark what fills up the vocabulary as unused or, older ones, as unknown. */
  private boolean isFiller(int id) {
    return tokenTypes[id] == UNUSED
        || (tokenTypes[id] == UNKNOWN && tokens.get(id).equals("[PAD" + id + "]"));
  }
}
