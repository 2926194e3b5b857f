package org.sparktune.tokenizer.text;

/** White space as Unicode's property White_Space has it; all of it is in the basic plane. */
public final class Spaces {
  private Spaces() {}

  /** Whether a unit is white space. */
  public static boolean isSpace(char c) {
    return c == ' '
        || (c >= '\t' && c <= '\r')
        || (c >= 0x85
            && (c == 0x85
                || c == 0xA0
                || c == 0x1680
                || (c >= 0x2000 && c <= 0x200A)
                || c == 0x2028
                || c == 0x2029
                || c == 0x202F
                || c == 0x205F
                || c == 0x3000));
  }
}
