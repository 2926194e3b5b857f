package org.sparktune.tokenizer.decode;

import java.util.List;

/**
 * How tokens become text.
 *
 * @param byteLevel whether tokens are spelled in the byte alphabet
 * @param byteFallback whether {@code <0xNN>} tokens stand for bytes
 * @param replacements what is replaced in each token, in order
 * @param stripLeft how many spaces the text loses at its beginning
 * @param firstTokenLosesSpaces whether the first token loses all its spaces
 * @param separator what is put between tokens, as UTF-8
 */
public record DecoderSettings(
    boolean byteLevel,
    boolean byteFallback,
    List<Replacement> replacements,
    int stripLeft,
    boolean firstTokenLosesSpaces,
    byte[] separator) {
  /** Tokens in the byte alphabet. */
  public static final DecoderSettings BYTE_LEVEL =
      new DecoderSettings(true, false, List.of(), 0, false, new byte[0]);

  /** A literal replacement. */
  public record Replacement(String from, String to) {}

  /**
   * SentencePiece's: its space sign is a space, bytes fall back, the text loses spaces in front.
   */
  public static DecoderSettings sentencePiece(int stripLeft) {
    return new DecoderSettings(
        false, true, List.of(new Replacement("\u2581", " ")), stripLeft, false, new byte[0]);
  }
}
