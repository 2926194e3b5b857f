package org.sparktune.tokenizer.decode;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.sparktune.tokenizer.bpe.BpeModel;
import org.sparktune.tokenizer.bpe.ByteAlphabet;

/**
 * What each token stands for in decoded text, as bytes. Immutable.
 *
 * <p>Decoding is: lay the bytes of the tokens end to end, take leading spaces away if the decoder
 * says so, and read the result as UTF-8 with U+FFFD for what is malformed.
 */
public final class TokenText {
  private final byte[][] bytes;
  private final boolean[] special;
  private final boolean[] byteTokens;
  private final DecoderSettings settings;

  /**
   * @param tokens the vocabulary by id, as the file spells it; null where an id has no token
   * @param special per id whether it is a special token
   * @param settings how tokens become text
   */
  public TokenText(String[] tokens, boolean[] special, DecoderSettings settings) {
    this.special = special;
    this.settings = settings;
    this.bytes = new byte[tokens.length][];
    this.byteTokens = new boolean[tokens.length];
    for (int id = 0; id < tokens.length; id++) {
      String token = tokens[id] == null ? "" : tokens[id];
      int fallback = settings.byteFallback() ? BpeModel.fallbackByte(token) : -1;
      byteTokens[id] = fallback >= 0;
      bytes[id] = fallback >= 0 ? new byte[] {(byte) fallback} : textOf(token);
    }
  }

  private byte[] textOf(String token) {
    if (settings.byteLevel()) {
      byte[] spelled = ByteAlphabet.bytesOf(token);
      return spelled != null ? spelled : token.getBytes(StandardCharsets.UTF_8);
    }
    String text = token;
    for (DecoderSettings.Replacement replacement : settings.replacements()) {
      text = text.replace(replacement.from(), replacement.to());
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }

  DecoderSettings settings() {
    return settings;
  }

  byte[] bytes(int id) {
    return bytes[id];
  }

  boolean isSpecial(int id) {
    return special[id];
  }

  /** The text of ids. */
  public String decode(int[] ids, boolean skipSpecialTokens) {
    ByteBuilder text = new ByteBuilder();
    int runStart = -1;
    boolean first = true;
    for (int id : ids) {
      if (id < 0 || id >= bytes.length || (skipSpecialTokens && special[id])) {
        continue;
      }
      if (!first && settings.separator().length > 0) {
        text.add(settings.separator());
      }
      if (byteTokens[id] && runStart < 0) {
        runStart = text.size();
      } else if (!byteTokens[id] && runStart >= 0) {
        text.replaceIfMalformed(runStart);
        runStart = -1;
      }
      text.add(first ? firstBytes(id) : bytes[id]);
      first = false;
    }
    if (runStart >= 0) {
      text.replaceIfMalformed(runStart);
    }
    int skipped = 0;
    while (skipped < settings.stripLeft() && skipped < text.size() && text.get(skipped) == ' ') {
      skipped++;
    }
    return text.decode(skipped);
  }

  byte[] firstBytes(int id) {
    if (!settings.firstTokenLosesSpaces()) {
      return bytes[id];
    }
    int kept = 0;
    byte[] stripped = new byte[bytes[id].length];
    for (byte b : bytes[id]) {
      if (b != ' ') {
        stripped[kept++] = b;
      }
    }
    return Arrays.copyOf(stripped, kept);
  }
}
