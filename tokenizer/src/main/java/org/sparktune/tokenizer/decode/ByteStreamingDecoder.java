package org.sparktune.tokenizer.decode;

import org.sparktune.tokenizer.StreamingDecoder;

/** Holds back the bytes of a code point that is not complete yet. */
public final class ByteStreamingDecoder implements StreamingDecoder {
  private final TokenText tokens;
  private final boolean skipSpecialTokens;
  private final ByteBuilder held = new ByteBuilder();
  private int toStrip;
  private boolean first = true;

  /** A decoder at the beginning of a text. */
  public ByteStreamingDecoder(TokenText tokens, boolean skipSpecialTokens) {
    this.tokens = tokens;
    this.skipSpecialTokens = skipSpecialTokens;
    this.toStrip = tokens.settings().stripLeft();
  }

  @Override
  public String next(int id) {
    if (skipSpecialTokens && tokens.isSpecial(id)) {
      return "";
    }
    if (!first) {
      held.add(tokens.settings().separator());
    }
    held.add(first ? tokens.firstBytes(id) : tokens.bytes(id));
    first = false;
    while (toStrip > 0 && held.size() > 0) {
      if (held.get(0) == ' ') {
        held.drop(1);
        toStrip--;
      } else {
        toStrip = 0;
      }
    }
    int whole = held.wholeCodePoints();
    String text = held.decode(0, whole);
    held.drop(whole);
    return text;
  }

  @Override
  public String finish() {
    String rest = held.decode(0);
    held.drop(held.size());
    return rest;
  }
}
