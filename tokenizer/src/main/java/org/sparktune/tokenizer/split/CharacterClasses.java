package org.sparktune.tokenizer.split;

/** The classes of code points that pre-tokenizer patterns tell apart. */
final class CharacterClasses {
  /** Neither letter nor number nor white space. */
  static final byte OTHER = 0;

  /** {@code \p{L}}. */
  static final byte LETTER = 1;

  /** {@code \p{N}}. */
  static final byte NUMBER = 2;

  /** {@code \s} without line ends. */
  static final byte SPACE = 3;

  /** Carriage return and line feed. */
  static final byte LINE_END = 4;

  /** A surrogate: the pair decides. */
  private static final byte SURROGATE = 5;

  private static final byte[] BASIC_PLANE = new byte[0x10000];

  static {
    for (int c = 0; c < 0x10000; c++) {
      BASIC_PLANE[c] = Character.isSurrogate((char) c) ? SURROGATE : classify(c);
    }
  }

  private CharacterClasses() {}

  /** The class of the code point at an index. */
  static int at(char[] text, int index) {
    byte known = BASIC_PLANE[text[index]];
    return known != SURROGATE
        ? known
        : classify(Character.toCodePoint(text[index], text[index + 1]));
  }

  /** How many units the code point at an index has. */
  static int width(char[] text, int index) {
    return Character.isHighSurrogate(text[index]) ? 2 : 1;
  }

  /** The index after all letters from {@code from} on. */
  static int skipLetters(char[] text, int from, int end) {
    int at = from;
    while (at < end) {
      byte known = BASIC_PLANE[text[at]];
      if (known == LETTER) {
        at++;
      } else if (known == SURROGATE && at(text, at) == LETTER) {
        at += 2;
      } else {
        break;
      }
    }
    return at;
  }

  /** The index after all numbers from {@code from} on, {@code limit} of them at most. */
  static int skipNumbers(char[] text, int from, int end, int limit) {
    int at = from;
    for (int i = 0; i < limit && at < end && at(text, at) == NUMBER; i++) {
      at += width(text, at);
    }
    return at;
  }

  /** The index after all that is neither letter nor number nor white space. */
  static int skipOther(char[] text, int from, int end) {
    int at = from;
    while (at < end && at(text, at) == OTHER) {
      at += width(text, at);
    }
    return at;
  }

  /** The index after all white space, line ends included. */
  static int skipSpace(char[] text, int from, int end) {
    int at = from;
    while (at < end && BASIC_PLANE[text[at]] >= SPACE && BASIC_PLANE[text[at]] <= LINE_END) {
      at++;
    }
    return at;
  }

  /** Whether a unit is white space. */
  static boolean isSpace(char c) {
    return BASIC_PLANE[c] >= SPACE && BASIC_PLANE[c] <= LINE_END;
  }

  static byte classify(int codePoint) {
    if (codePoint == '\r' || codePoint == '\n') {
      return LINE_END;
    }
    return switch (Character.getType(codePoint)) {
      case Character.UPPERCASE_LETTER,
          Character.LOWERCASE_LETTER,
          Character.TITLECASE_LETTER,
          Character.MODIFIER_LETTER,
          Character.OTHER_LETTER ->
          LETTER;
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
          NUMBER;
      case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR ->
          SPACE;
      case Character.UNASSIGNED -> NewCodePoints.classify(codePoint);
      default -> (codePoint >= '\t' && codePoint <= '\r') || codePoint == 0x85 ? SPACE : OTHER;
    };
  }
}
