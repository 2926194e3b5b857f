package org.sparktune.tokenizer;

import java.util.OptionalInt;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** Text to token ids and back. Implementations are immutable and safe for use by many threads. */
public interface Tokenizer {

  /**
   * Encodes text. Special tokens written out in the text ({@code <|im_start|>}) are recognised.
   *
   * @param text any text; unpaired surrogates are encoded as U+FFFD
   * @param addSpecialTokens whether the tokenizer's post-processor adds its own (BOS, EOS)
   * @return the ids
   */
  int[] encode(String text, boolean addSpecialTokens);

  /**
   * Encodes text and says where each token came from.
   *
   * @param text any text
   * @param addSpecialTokens whether the post-processor adds its own
   * @return ids with their spans in {@code text}
   */
  Encoding encodeWithOffsets(String text, boolean addSpecialTokens);

  /**
   * Decodes ids.
   *
   * @param ids ids below {@link #vocabularySize()}
   * @param skipSpecialTokens whether special tokens leave no text
   */
  String decode(int[] ids, boolean skipSpecialTokens);

  /** A decoder that takes one id at a time and never emits half a code point. */
  StreamingDecoder streamingDecoder(boolean skipSpecialTokens);

  /** One more than the largest id. */
  int vocabularySize();

  /** The token's text as the vocabulary spells it. */
  String token(int id);

  /** The id of a token as the vocabulary spells it. */
  OptionalInt id(String token);

  /** Whether the id is a special token (control, not text). */
  boolean isSpecial(int id);

  /** The beginning-of-sequence token, if the model has one. */
  OptionalInt bosId();

  /** The end-of-sequence token, if the model has one. */
  OptionalInt eosId();

  /** The padding token, if the model has one. */
  OptionalInt padId();

  /**
   * The tokenizer as GGUF metadata holds it.
   *
   * @throws SparktuneException if it has no such form
   */
  default TokenizerVocabulary vocabulary() {
    throw new SparktuneException(
        ErrorCode.UNSUPPORTED,
        "The tokenizer " + this + " cannot be written into a GGUF file.",
        "Use a byte-level or SentencePiece BPE tokenizer.");
  }

  /**
   * SHA-256 over everything that decides which ids a text gets; equal fingerprints mean equal ids.
   * The same vocabulary read from {@code tokenizer.json}, {@code tokenizer.model} or GGUF has the
   * same fingerprint where the formats carry the same information, so it covers the vocabulary
   * (token bytes by id), not the container.
   */
  String fingerprint();
}
