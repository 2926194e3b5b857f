package org.sparktune.tokenizer.bpe;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Byte-pair encoding (Sennrich et al. 2016) of words that are already cut out of the text.
 * Immutable; each thread works through an {@link BpeEncoder} of its own.
 */
public final class BpeModel {
  private static final int NO_TOKEN = -1;

  private final BpeDefinition definition;

  /** Ids of the 256 bytes: of the bytes themselves, or of their fallback tokens. */
  private final int[] byteIds = new int[256];

  private final boolean everyByteKnown;

  /** Id by code point of the basic plane; empty for byte-level models. */
  private final int[] basicPlaneIds;

  private final Map<Integer, Integer> supplementaryIds = new HashMap<>();
  private final Joints joints;

  /** Whether fallback tokens take part in merges, which no known vocabulary does. */
  private final boolean byteTokensMerge;

  /** Tokens that merges do not arrive at, for models that look whole words up first; else empty. */
  private final Map<String, Integer> wholeWords = new HashMap<>();

  private final int longestWholeWord;

  /** A model over a definition whose arrays and tables must not change afterwards. */
  public BpeModel(BpeDefinition definition) {
    this.definition = definition;
    this.basicPlaneIds = definition.symbols() == Symbols.BYTES ? new int[0] : new int[0x10000];
    Arrays.fill(basicPlaneIds, NO_TOKEN);
    Arrays.fill(byteIds, NO_TOKEN);
    mapSymbols();
    boolean known = true;
    for (int id : byteIds) {
      known &= id >= 0;
    }
    this.everyByteKnown = known;
    this.byteTokensMerge = definition.byteFallback() && anyByteTokenMerges();
    this.joints = Joints.of(mergedTokens());
    this.longestWholeWord = definition.wholeWordsFirst() ? collectWholeWords() : 0;
  }

  /** A worker for one thread. */
  public BpeEncoder encoder() {
    return new BpeEncoder(this);
  }

  BpeDefinition definition() {
    return definition;
  }

  Joints joints() {
    return joints.copy();
  }

  int byteId(int unsignedByte) {
    return byteIds[unsignedByte];
  }

  boolean everyByteKnown() {
    return everyByteKnown;
  }

  int codePointId(int codePoint) {
    if (definition.symbols() == Symbols.BYTES) {
      return NO_TOKEN;
    }
    return codePoint < 0x10000
        ? basicPlaneIds[codePoint]
        : supplementaryIds.getOrDefault(codePoint, NO_TOKEN);
  }

  /** Whether encoding two neighbours apart keeps unknown symbols and byte tokens as they are. */
  boolean mayCut(int left, int right) {
    if (byteTokensMerge) {
      return false;
    }
    boolean fuses = definition.fuseUnknown() && definition.unknownId() >= 0;
    return !fuses || (isKnown(left) || isKnown(right));
  }

  private boolean isKnown(int codePoint) {
    boolean bytesCount = definition.symbols() == Symbols.BYTES || definition.byteFallback();
    return (everyByteKnown && bytesCount) || codePointId(codePoint) >= 0;
  }

  int longestWholeWord() {
    return longestWholeWord;
  }

  /** The id of a word that is a token, or -1 if it is none or merges arrive at it anyway. */
  int wholeWordId(char[] text, int start, int end) {
    return wholeWords.getOrDefault(new String(text, start, end - start), NO_TOKEN);
  }

  private void mapSymbols() {
    String[] tokens = definition.tokens();
    for (int id = 0; id < tokens.length; id++) {
      String token = tokens[id];
      if (token == null) {
        continue;
      }
      if (definition.symbols() == Symbols.BYTES) {
        if (token.length() == 1 && ByteAlphabet.toByte(token.charAt(0)) >= 0) {
          byteIds[ByteAlphabet.toByte(token.charAt(0))] = id;
        }
      } else if (definition.byteFallback() && fallbackByte(token) >= 0) {
        byteIds[fallbackByte(token)] = id;
      } else if (token.length() == 1) {
        basicPlaneIds[token.charAt(0)] = id;
      } else if (token.length() == 2
          && Character.isSurrogatePair(token.charAt(0), token.charAt(1))) {
        supplementaryIds.put(token.codePointAt(0), id);
      }
    }
  }

  /** The byte that a token {@code <0xNN>} stands for, or -1. */
  public static int fallbackByte(String token) {
    if (token.length() != 6 || !token.startsWith("<0x") || token.charAt(5) != '>') {
      return -1;
    }
    int high = Character.digit(token.charAt(3), 16);
    int low = Character.digit(token.charAt(4), 16);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
  }

  private boolean anyByteTokenMerges() {
    String[] tokens = definition.tokens();
    boolean[] found = new boolean[1];
    definition
        .merges()
        .forEach(
            (left, right, id) ->
                found[0] |= fallbackByte(tokens[left]) >= 0 || fallbackByte(tokens[right]) >= 0);
    return found[0];
  }

  private List<byte[]> mergedTokens() {
    boolean[] seen = new boolean[definition.tokens().length];
    List<byte[]> merged = new ArrayList<>();
    definition
        .merges()
        .forEach(
            (left, right, id) -> {
              if (!seen[id]) {
                seen[id] = true;
                merged.add(bytes(definition.tokens()[id]));
              }
            });
    return merged;
  }

  private byte[] bytes(String token) {
    byte[] spelled = definition.symbols() == Symbols.BYTES ? ByteAlphabet.bytesOf(token) : null;
    return spelled != null ? spelled : token.getBytes(StandardCharsets.UTF_8);
  }

  private int collectWholeWords() {
    BpeEncoder encoder = encoder();
    IntList ids = new IntList();
    int longest = 0;
    String[] tokens = definition.tokens();
    for (int id = 0; id < tokens.length; id++) {
      if (tokens[id] == null) {
        continue;
      }
      byte[] bytes = bytes(tokens[id]);
      String text = new String(bytes, StandardCharsets.UTF_8);
      if (text.indexOf('\uFFFD') >= 0
          && !Arrays.equals(text.getBytes(StandardCharsets.UTF_8), bytes)) {
        continue; // Not well-formed by itself, so no word of a text.
      }
      ids.clear();
      encoder.mergeOnly(text.toCharArray(), 0, text.length(), ids);
      if (ids.size() != 1 || ids.get(0) != id) {
        wholeWords.put(text, id);
        longest = Math.max(longest, text.length());
      }
    }
    return longest;
  }
}
