package org.sparktune.tokenizer.text;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Replaces every occurrence of a pattern.
 *
 * @param pattern what is replaced
 * @param content what it is replaced by, literally
 */
record Replacement(Pattern pattern, String content) implements Normalizer {
  @Override
  public boolean isNormal(char[] text, int start, int end) {
    return false;
  }

  @Override
  public void apply(TextBuffer in, int start, int end, TextBuffer out) {
    String text = new String(in.chars(), start, end - start);
    Matcher matcher = pattern.matcher(text);
    int copied = 0;
    while (matcher.find()) {
      out.copy(in, start + copied, start + matcher.start());
      out.replace(in, start + matcher.start(), start + matcher.end(), content);
      copied = matcher.end();
    }
    out.copy(in, start + copied, end);
  }
}
