package org.sparktune.tokenizer.split;

/** Cuts words as GPT-2's regular expression does, by hand. */
final class Gpt2Splitter implements Splitter {
  /** The expression. */
  static final String PATTERN =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

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

  private static int wordEnd(char[] text, int at, int end) {
    char first = text[at];
    if (first == '\'') {
      int contraction = contractionEnd(text, at, end);
      if (contraction > 0) {
        return contraction;
      }
    }
    int body = first == ' ' && at + 1 < end ? at + 1 : at;
    return switch (CharacterClasses.at(text, body)) {
      case CharacterClasses.LETTER -> CharacterClasses.skipLetters(text, body, end);
      case CharacterClasses.NUMBER ->
          CharacterClasses.skipNumbers(text, body, end, Integer.MAX_VALUE);
      case CharacterClasses.OTHER -> CharacterClasses.skipOther(text, body, end);
      default -> spaceEnd(text, at, end);
    };
  }

  private static int spaceEnd(char[] text, int at, int end) {
    int spaceEnd = CharacterClasses.skipSpace(text, at, end);
    // The last space belongs to the word that follows, unless it is the only one.
    return spaceEnd == end || spaceEnd - at == 1 ? spaceEnd : spaceEnd - 1;
  }

  private static int contractionEnd(char[] text, int at, int end) {
    if (at + 1 >= end) {
      return -1;
    }
    char second = text[at + 1];
    if (second == 's' || second == 't' || second == 'm' || second == 'd') {
      return at + 2;
    }
    char third = at + 2 < end ? text[at + 2] : 0;
    boolean three =
        (second == 'r' && third == 'e')
            || (second == 'v' && third == 'e')
            || (second == 'l' && third == 'l');
    return three ? at + 3 : -1;
  }
}
