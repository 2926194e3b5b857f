package org.sparktune.pipeline.clean;

import java.util.HashSet;
import java.util.Set;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.spec.CleanOptions;
import org.sparktune.pipeline.spec.FilterThreshold;
import org.sparktune.pipeline.text.Words;

/**
 * The quality rules of Gopher (Rae et al. 2021, section A.1.1). The lengths of words and the
 * English stop words say nothing of scripts without blanks between words; there those rules rest.
 */
final class GopherQuality implements TextFilter {
  private static final Set<Long> STOP_WORDS = stopWords();
  private static final String BULLETS = "\u2022\u25cf\u25e6\u25aa\u2023\u2043\u00b7-*";

  private final Rules rules;

  GopherQuality(CleanOptions options) {
    this.rules = new Rules(options);
  }

  private static Set<Long> stopWords() {
    Words words = Words.of("the be to of and that have with");
    Set<Long> hashes = new HashSet<>();
    for (int i = 0; i < words.count(); i++) {
      hashes.add(words.hash(i));
    }
    return hashes;
  }

  @Override
  public void check(String text, Counters counters) throws RejectException {
    Words words = Words.of(text);
    rules.atLeast(FilterThreshold.MIN_WORDS, words.count(), counters);
    rules.atMost(FilterThreshold.MAX_WORDS, words.count(), counters);
    if (!words.mostlyUnspaced()) {
      double mean = Lines.share(words.characters(), words.count());
      rules.atLeast(FilterThreshold.MIN_MEAN_WORD_LENGTH, mean, counters);
      rules.atMost(FilterThreshold.MAX_MEAN_WORD_LENGTH, mean, counters);
      rules.atLeast(FilterThreshold.MIN_STOP_WORDS, stopWords(words), counters);
    }
    int most = Math.max(hashSigns(text), ellipses(text));
    rules.atMost(FilterThreshold.MAX_SYMBOLS_PER_WORD, Lines.share(most, words.count()), counters);
    rules.atLeast(FilterThreshold.MIN_ALPHABETIC_WORDS, alphabetic(text), counters);
    lines(Lines.of(text), counters);
  }

  private void lines(Lines lines, Counters counters) throws RejectException {
    int bullets = 0;
    int ellipses = 0;
    for (String line : lines.all()) {
      boolean mark = BULLETS.indexOf(line.charAt(0)) >= 0;
      // A hyphen or an asterisk is a bullet only before a blank.
      boolean ascii = line.charAt(0) < 0x80;
      bullets += mark && (!ascii || (line.length() > 1 && line.charAt(1) == ' ')) ? 1 : 0;
      ellipses += Lines.endsInEllipsis(line) ? 1 : 0;
    }
    rules.atMost(FilterThreshold.MAX_BULLET_LINES, Lines.share(bullets, lines.count()), counters);
    rules.atMost(
        FilterThreshold.MAX_ELLIPSIS_LINES, Lines.share(ellipses, lines.count()), counters);
  }

  private static int stopWords(Words words) {
    Set<Long> found = new HashSet<>();
    for (int i = 0; i < words.count(); i++) {
      if (words.length(i) <= 4 && STOP_WORDS.contains(words.hash(i))) {
        found.add(words.hash(i));
      }
    }
    return found.size();
  }

  private static int hashSigns(String text) {
    int count = 0;
    for (int i = text.indexOf('#'); i >= 0; i = text.indexOf('#', i + 1)) {
      count++;
    }
    return count;
  }

  private static int ellipses(String text) {
    int count = 0;
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) == '\u2026') {
        count++;
      } else if (text.startsWith("...", i)) {
        count++;
        i += 2;
      }
    }
    return count;
  }

  /** The share of words, here all that stands between blanks, with a letter. */
  private static double alphabetic(String text) {
    int words = 0;
    int alphabetic = 0;
    boolean inside = false;
    boolean letter = false;
    for (int i = 0; i <= text.length(); i++) {
      char c = i == text.length() ? ' ' : text.charAt(i);
      if (Character.isWhitespace(c)) {
        alphabetic += inside && letter ? 1 : 0;
        inside = false;
        letter = false;
      } else {
        words += inside ? 0 : 1;
        inside = true;
        letter |= Character.isLetter(c) || Character.isSurrogate(c);
      }
    }
    return Lines.share(alphabetic, words);
  }
}
