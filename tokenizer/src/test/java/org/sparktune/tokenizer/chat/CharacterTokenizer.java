package org.sparktune.tokenizer.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.sparktune.tokenizer.Encoding;
import org.sparktune.tokenizer.StreamingDecoder;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.TokenizerVocabulary;

/** One token a character, and one for each special token: makes spans easy to follow. */
final class CharacterTokenizer implements Tokenizer {
  private static final int FIRST_SPECIAL = 0x20000;

  private final List<String> special;

  CharacterTokenizer(String... special) {
    this.special = List.of(special);
  }

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    return encodeWithOffsets(text, addSpecialTokens).ids();
  }

  @Override
  public Encoding encodeWithOffsets(String text, boolean addSpecialTokens) {
    List<int[]> tokens = new ArrayList<>();
    for (int i = 0; i < text.length(); ) {
      int[] token = {text.charAt(i), i, i + 1};
      for (int s = 0; s < special.size(); s++) {
        if (text.startsWith(special.get(s), i)) {
          token = new int[] {FIRST_SPECIAL + s, i, i + special.get(s).length()};
        }
      }
      tokens.add(token);
      i = token[2];
    }
    return new Encoding(column(tokens, 0), column(tokens, 1), column(tokens, 2));
  }

  private static int[] column(List<int[]> tokens, int column) {
    return tokens.stream().mapToInt(token -> token[column]).toArray();
  }

  @Override
  public String decode(int[] ids, boolean skipSpecialTokens) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(token(id));
    }
    return text.toString();
  }

  @Override
  public StreamingDecoder streamingDecoder(boolean skipSpecialTokens) {
    throw new UnsupportedOperationException();
  }

  @Override
  public int vocabularySize() {
    return FIRST_SPECIAL + special.size();
  }

  @Override
  public String token(int id) {
    return isSpecial(id) ? special.get(id - FIRST_SPECIAL) : String.valueOf((char) id);
  }

  @Override
  public OptionalInt id(String token) {
    int at = special.indexOf(token);
    return at < 0 ? OptionalInt.empty() : OptionalInt.of(FIRST_SPECIAL + at);
  }

  @Override
  public boolean isSpecial(int id) {
    return id >= FIRST_SPECIAL;
  }

  @Override
  public OptionalInt bosId() {
    return id("<s>");
  }

  @Override
  public OptionalInt eosId() {
    return id("</s>");
  }

  @Override
  public OptionalInt padId() {
    return OptionalInt.empty();
  }

  @Override
  public String fingerprint() {
    return "sha256:characters";
  }

  @Override
  public TokenizerVocabulary vocabulary() {
    throw new UnsupportedOperationException("not a real vocabulary");
  }
}
