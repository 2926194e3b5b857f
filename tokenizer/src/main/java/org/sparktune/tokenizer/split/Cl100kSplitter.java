package org.sparktune.tokenizer.split;

/**
 * Cuts words as the regular expression of Llama 3 and Qwen 2 does (OpenAI's {@code cl100k_base} and
 * its variant with single digits), by hand.
 */
final class Cl100kSplitter implements Splitter {
  private final int digits;

  /**
   * @param digits how many digits a word has at most
   */
  Cl100kSplitter(int digits) {
    this.digits = digits;
  }

  int digits() {
    return digits;
  }

  /** The expression, as Hugging Face writes it. */
  static String pattern(int digits) {
    return "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
        + (digits == 1 ? "" : "{1," + digits + "}")
        + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  }

  @Override
  public int split(char[] text, int from, int start, int end, Words words) {
    int at = from;
    for (int i = 0; i < STRETCH && at < end; i++) {
      int wordEnd = wordEnd(text, at, end);
      words.add(at, wordEnd);
      at = wordEnd;
    }
    return at;
  }

  private int wordEnd(char[] text, int at, int end) {
    char first = text[at];
    int kind = CharacterClasses.at(text, at);
    int next = at + CharacterClasses.width(text, at);
    if (first == '\'') {
      int contraction = contractionEnd(text, at, end);
      if (contraction > 0) {
        return contraction;
      }
    }
    if (kind == CharacterClasses.LETTER) {
      return CharacterClasses.skipLetters(text, next, end);
    }
    if (kind == CharacterClasses.NUMBER) {
      return CharacterClasses.skipNumbers(text, at, end, digits);
    }
    int nextKind = next < end ? CharacterClasses.at(text, next) : -1;
    if (nextKind == CharacterClasses.LETTER && kind != CharacterClasses.LINE_END) {
      return CharacterClasses.skipLetters(text, next, end);
    }
    if (kind == CharacterClasses.OTHER) {
      return symbolsEnd(text, at, end);
    }
    if (first == ' ' && nextKind == CharacterClasses.OTHER) {
      return symbolsEnd(text, next, end);
    }
    return spaceEnd(text, at, end);
  }

  private static int symbolsEnd(char[] text, int from, int end) {
    int at = CharacterClasses.skipOther(text, from, end);
    while (at < end && (text[at] == '\r' || text[at] == '\n')) {
      at++;
    }
    return at;
  }

  private static int spaceEnd(char[] text, int at, int end) {
    int spaceEnd = CharacterClasses.skipSpace(text, at, end);
    for (int i = spaceEnd - 1; i >= at; i--) {
      if (text[i] == '\r' || text[i] == '\n') {
        return i + 1;
      }
    }
    // The last space belongs to the word that follows, unless it is the only one.
    return spaceEnd == end || spaceEnd - at == 1 ? spaceEnd : spaceEnd - 1;
  }

  private static int contractionEnd(char[] text, int at, int end) {
    if (at + 1 >= end) {
      return -1;
    }
    return switch (text[at + 1]) {
      // U+017F, the long s, is an s whose case is ignored.
      case 's', 'S', '\u017F', 't', 'T', 'm', 'M', 'd', 'D' -> at + 2;
      case 'r', 'R', 'v', 'V' -> isLetter(text, at + 2, end, 'e') ? at + 3 : -1;
      case 'l', 'L' -> isLetter(text, at + 2, end, 'l') ? at + 3 : -1;
      default -> -1;
    };
  }

  private static boolean isLetter(char[] text, int at, int end, char lower) {
    return at < end && (text[at] | 0x20) == lower;
  }
}
