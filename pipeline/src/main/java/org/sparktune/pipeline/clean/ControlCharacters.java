package org.sparktune.pipeline.clean;

/**
 * Removes what no text means: control characters but tab and line ends, surrogates without their
 * other half, byte order marks and noncharacters. The next-line control becomes a line end.
 */
final class ControlCharacters implements TextRewriter {
  private static final char NEXT_LINE = 0x85;

  @Override
  public String name() {
    return "control_characters";
  }

  @Override
  public String rewrite(String text) {
    int first = 0;
    while (first < text.length() && isFine(text, first)) {
      first += Character.charCount(text.codePointAt(first));
    }
    if (first == text.length()) {
      return text;
    }
    StringBuilder kept = new StringBuilder(text.length()).append(text, 0, first);
    for (int i = first; i < text.length(); ) {
      int c = text.codePointAt(i);
      if (c == NEXT_LINE) {
        kept.append('\n');
      } else if (isFine(text, i)) {
        kept.appendCodePoint(c);
      }
      i += Character.charCount(c);
    }
    return kept.toString();
  }

  private static boolean isFine(String text, int index) {
    char unit = text.charAt(index);
    if (unit >= ' ' && unit < 0x7f) {
      return true;
    }
    int c = text.codePointAt(index);
    if (c == '\t' || c == '\n' || c == '\r') {
      return true;
    }
    boolean control = c < ' ' || (c >= 0x7f && c < 0xa0);
    boolean loneSurrogate = c >= 0xd800 && c < 0xe000;
    boolean nonCharacter = (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c < 0xfdf0);
    return !control && !loneSurrogate && !nonCharacter && c != 0xfeff;
  }
}
