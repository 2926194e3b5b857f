package org.sparktune.pipeline.clean;

import java.util.List;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.spec.CleanOptions;
import org.sparktune.pipeline.spec.FilterThreshold;
import org.sparktune.pipeline.text.LongCounts;
import org.sparktune.pipeline.text.Words;

/** The rules of Gopher against repetition within a document (Rae et al. 2021, table A1). */
final class GopherRepetition implements TextFilter {
  private static final int FIRST_TOP = 2;
  private static final List<FilterThreshold> TOP =
      List.of(
          FilterThreshold.MAX_TOP_2GRAM,
          FilterThreshold.MAX_TOP_3GRAM,
          FilterThreshold.MAX_TOP_4GRAM);

  private static final int FIRST_DUPLICATE = 5;
  private static final List<FilterThreshold> DUPLICATE =
      List.of(
          FilterThreshold.MAX_DUPLICATE_5GRAM,
          FilterThreshold.MAX_DUPLICATE_6GRAM,
          FilterThreshold.MAX_DUPLICATE_7GRAM,
          FilterThreshold.MAX_DUPLICATE_8GRAM,
          FilterThreshold.MAX_DUPLICATE_9GRAM,
          FilterThreshold.MAX_DUPLICATE_10GRAM);

  private final Rules rules;

  GopherRepetition(CleanOptions options) {
    this.rules = new Rules(options);
  }

  @Override
  public void check(String text, Counters counters) throws RejectException {
    Lines lines = Lines.of(text);
    rules.atMost(FilterThreshold.MAX_DUPLICATE_LINES, lines.duplicates(), counters);
    rules.atMost(
        FilterThreshold.MAX_DUPLICATE_LINE_CHARACTERS, lines.duplicateCharacters(), counters);
    Lines paragraphs = Lines.paragraphs(text);
    rules.atMost(FilterThreshold.MAX_DUPLICATE_PARAGRAPHS, paragraphs.duplicates(), counters);
    rules.atMost(
        FilterThreshold.MAX_DUPLICATE_PARAGRAPH_CHARACTERS,
        paragraphs.duplicateCharacters(),
        counters);
    Words words = Words.of(text);
    for (int i = 0; i < TOP.size(); i++) {
      rules.atMost(TOP.get(i), top(words, FIRST_TOP + i), counters);
    }
    for (int i = 0; i < DUPLICATE.size(); i++) {
      rules.atMost(DUPLICATE.get(i), duplicate(words, FIRST_DUPLICATE + i), counters);
    }
  }

  /** The share of the words' characters that the most frequent run of n words covers. */
  static double top(Words words, int n) {
    if (words.count() < n) {
      return 0;
    }
    long[] runs = words.runs(n);
    LongCounts counts = new LongCounts(runs.length);
    int most = 0;
    int where = 0;
    for (int i = 0; i < runs.length; i++) {
      int count = counts.add(runs[i]);
      if (count > most) {
        most = count;
        where = i;
      }
    }
    return most < 2
        ? 0
        : Lines.share((long) most * characters(words, where, n), words.characters());
  }

  /** The share of the words' characters in runs of n words that were there before. */
  static double duplicate(Words words, int n) {
    if (words.count() < n) {
      return 0;
    }
    long[] runs = words.runs(n);
    LongCounts seen = new LongCounts(runs.length);
    long duplicate = 0;
    int counted = 0;
    for (int i = 0; i < runs.length; i++) {
      if (seen.add(runs[i]) > 1) {
        int from = Math.max(counted, i);
        duplicate += characters(words, from, i + n - from);
        counted = i + n;
      }
    }
    return Lines.share(duplicate, words.characters());
  }

  private static long characters(Words words, int from, int count) {
    long characters = 0;
    for (int i = from; i < from + count; i++) {
      characters += words.length(i);
    }
    return characters;
  }
}
