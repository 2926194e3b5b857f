package org.sparktune.tokenizer.text;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Finds added tokens in text, the longest of those that begin leftmost. Immutable. */
public final class AddedTokenMatcher {
  private final Node root = new Node();
  private final boolean[] firstUnits = new boolean[0x10000];
  private final boolean empty;

  /**
   * @param tokens the tokens
   * @param normalizers what tokens go through before they are looked for
   */
  public AddedTokenMatcher(List<AddedToken> tokens, NormalizerChain normalizers) {
    boolean none = true;
    for (AddedToken token : tokens) {
      String content = normalizers.apply(token.content());
      if (!content.isEmpty()) {
        none = false;
        firstUnits[content.charAt(0)] = true;
        insert(content, token);
      }
    }
    this.empty = none;
  }

  private void insert(String content, AddedToken token) {
    Node node = root;
    for (int i = 0; i < content.length(); i++) {
      node = node.children.computeIfAbsent(content.charAt(i), unit -> new Node());
    }
    // Among equal contents the first one counts.
    if (node.token == null) {
      node.token = token;
    }
  }

  /** Whether there is no token to find. */
  public boolean isEmpty() {
    return empty;
  }

  /**
   * Finds the next match that counts.
   *
   * @param text holds the piece
   * @param start the start of the piece
   * @param end one past its last unit
   * @param match the last match, or a cleared one; takes the next match
   * @return whether there is one
   */
  public boolean next(char[] text, int start, int end, Match match) {
    int free = match.end;
    for (int at = match.searchFrom; at < end; at++) {
      if (!firstUnits[text[at]]) {
        continue;
      }
      Node found = null;
      int foundEnd = at;
      Node node = root;
      for (int i = at; i < end; i++) {
        node = node.children.get(text[i]);
        if (node == null) {
          break;
        }
        if (node.token != null) {
          found = node;
          foundEnd = i + 1;
        }
      }
      if (found == null) {
        continue;
      }
      if (found.token.singleWord() && !standsAlone(text, at, foundEnd, start, end)) {
        at = foundEnd - 1;
        continue;
      }
      match.searchFrom = foundEnd;
      match.token = found.token;
      match.start = found.token.stripLeft() ? Math.max(free, spaceStart(text, start, at)) : at;
      match.end = found.token.stripRight() ? spaceEnd(text, foundEnd, end) : foundEnd;
      return true;
    }
    return false;
  }

  private static boolean standsAlone(char[] text, int at, int matchEnd, int start, int end) {
    return (at == start || !isWord(Character.codePointBefore(text, at, start)))
        && (matchEnd == end || !isWord(Character.codePointAt(text, matchEnd, end)));
  }

  private static boolean isWord(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONNECTOR_PUNCTUATION,
          Character.DECIMAL_DIGIT_NUMBER,
          Character.NON_SPACING_MARK,
          Character.COMBINING_SPACING_MARK,
          Character.ENCLOSING_MARK ->
          true;
      default -> Character.isAlphabetic(codePoint) || codePoint == 0x200C || codePoint == 0x200D;
    };
  }

  private static int spaceStart(char[] text, int start, int from) {
    int at = from;
    while (at > start && Spaces.isSpace(text[at - 1])) {
      at--;
    }
    return at;
  }

  private static int spaceEnd(char[] text, int from, int end) {
    int at = from;
    while (at < end && Spaces.isSpace(text[at])) {
      at++;
    }
    return at;
  }

  /** A place in the text where an added token stands. Reused from one search to the next. */
  public static final class Match {
    private AddedToken token;
    private int start;
    private int end;
    private int searchFrom;

    /** Gets ready for a new piece that begins at {@code from}. */
    public void clear(int from) {
      token = null;
      start = from;
      end = from;
      searchFrom = from;
    }

    /** The token. */
    public AddedToken token() {
      return token;
    }

    /** Its first unit, white space that it takes included. */
    public int start() {
      return start;
    }

    /** One past its last unit, white space that it takes included. */
    public int end() {
      return end;
    }
  }

  private static final class Node {
    final Map<Character, Node> children = new HashMap<>();
    AddedToken token;
  }
}
