package org.sparktune.tokenizer.bpe;

/** How text becomes the first symbols that merges start from. */
public enum Symbols {
  /** Every UTF-8 byte is a symbol, spelled in {@link ByteAlphabet} (GPT-2 and its descendants). */
  BYTES,
  /** Every code point is a symbol (SentencePiece); unknown ones may fall back to byte tokens. */
  CODE_POINTS
}
