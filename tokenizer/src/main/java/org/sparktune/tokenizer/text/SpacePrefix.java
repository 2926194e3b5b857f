package org.sparktune.tokenizer.text;

/**
 * What a pre-tokenizer does to spaces before it cuts a piece.
 *
 * @param space what a space becomes, also the prefix
 * @param scheme which pieces get the prefix if they do not begin with it
 */
public record SpacePrefix(char space, Scheme scheme) {
  /** Leaves everything as it is. */
  public static final SpacePrefix NONE = new SpacePrefix(' ', Scheme.NEVER);

  /** Which pieces get a prefix. */
  public enum Scheme {
    /** None. */
    NEVER,
    /** The one at the beginning of the text. */
    FIRST,
    /** All. */
    ALWAYS
  }

  /** Whether nothing is to be done to any piece. */
  public boolean isNone() {
    return space == ' ' && scheme == Scheme.NEVER;
  }

  /**
   * Rewrites a piece into {@code out}.
   *
   * @param piece the piece; afterwards the rewritten one
   * @param out a buffer that the piece is not in
   * @param atTextStart whether the piece begins where the text begins
   */
  public void apply(Piece piece, TextBuffer out, boolean atTextStart, boolean trackOrigins) {
    TextBuffer in = piece.buffer;
    out.clear(trackOrigins);
    char first = in.chars()[piece.start];
    boolean prefixed = first == space || first == ' ';
    boolean wanted =
        switch (scheme) {
          case NEVER -> false;
          case FIRST -> atTextStart;
          case ALWAYS -> true;
        };
    if (wanted && !prefixed) {
      out.replace(in, piece.start, piece.start, String.valueOf(space));
    }
    int copied = out.length();
    out.copy(in, piece.start, piece.end);
    if (space != ' ') {
      char[] chars = out.chars();
      for (int i = copied; i < out.length(); i++) {
        if (chars[i] == ' ') {
          chars[i] = space;
        }
      }
    }
    piece.set(out, 0, out.length());
  }
}
