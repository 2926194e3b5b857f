package org.sparktune.pipeline.spec;

import java.util.Locale;
import org.sparktune.pipeline.spec.CleanOptions.FilterSet;

/**
 * The numbers of the published quality rules. Shares are from 0 to 1. A record is kept when it is
 * at least the {@code MIN} and at most the {@code MAX}.
 */
public enum FilterThreshold {
  /** Fewest words. */
  MIN_WORDS(FilterSet.GOPHER, 50),
  /** Most words. */
  MAX_WORDS(FilterSet.GOPHER, 100_000),
  /** Shortest mean word, in characters. */
  MIN_MEAN_WORD_LENGTH(FilterSet.GOPHER, 3),
  /** Longest mean word, in characters. */
  MAX_MEAN_WORD_LENGTH(FilterSet.GOPHER, 10),
  /** Hash signs for each word, and ellipses for each word. */
  MAX_SYMBOLS_PER_WORD(FilterSet.GOPHER, 0.1),
  /** The share of lines that begin with a bullet. */
  MAX_BULLET_LINES(FilterSet.GOPHER, 0.9),
  /** The share of lines that end with an ellipsis. */
  MAX_ELLIPSIS_LINES(FilterSet.GOPHER, 0.3),
  /** The share of words with a letter. */
  MIN_ALPHABETIC_WORDS(FilterSet.GOPHER, 0.8),
  /** How many of the words the, be, to, of, and, that, have, with. */
  MIN_STOP_WORDS(FilterSet.GOPHER, 2),
  /** The share of lines that were there before. */
  MAX_DUPLICATE_LINES(FilterSet.GOPHER, 0.3),
  /** The share of paragraphs that were there before. */
  MAX_DUPLICATE_PARAGRAPHS(FilterSet.GOPHER, 0.3),
  /** The share of characters in such lines. */
  MAX_DUPLICATE_LINE_CHARACTERS(FilterSet.GOPHER, 0.2),
  /** The share of characters in such paragraphs. */
  MAX_DUPLICATE_PARAGRAPH_CHARACTERS(FilterSet.GOPHER, 0.2),
  /** The share of characters in the most frequent run of two words. */
  MAX_TOP_2GRAM(FilterSet.GOPHER, 0.20),
  /** The share of characters in the most frequent run of three words. */
  MAX_TOP_3GRAM(FilterSet.GOPHER, 0.18),
  /** The share of characters in the most frequent run of four words. */
  MAX_TOP_4GRAM(FilterSet.GOPHER, 0.16),
  /** The share of characters in runs of five words that were there before. */
  MAX_DUPLICATE_5GRAM(FilterSet.GOPHER, 0.15),
  /** The share of characters in runs of six words that were there before. */
  MAX_DUPLICATE_6GRAM(FilterSet.GOPHER, 0.14),
  /** The share of characters in runs of seven words that were there before. */
  MAX_DUPLICATE_7GRAM(FilterSet.GOPHER, 0.13),
  /** The share of characters in runs of eight words that were there before. */
  MAX_DUPLICATE_8GRAM(FilterSet.GOPHER, 0.12),
  /** The share of characters in runs of nine words that were there before. */
  MAX_DUPLICATE_9GRAM(FilterSet.GOPHER, 0.11),
  /** The share of characters in runs of ten words that were there before. */
  MAX_DUPLICATE_10GRAM(FilterSet.GOPHER, 0.10),
  /** Lines with fewer words are dropped. */
  MIN_LINE_WORDS(FilterSet.C4, 5),
  /** Fewest sentences, in the lines that are left. */
  MIN_SENTENCES(FilterSet.C4, 3),
  /** 1: lines without a terminal punctuation mark are dropped; 0: they stay, as in FineWeb. */
  TERMINAL_PUNCTUATION(FilterSet.C4, 1),
  /** The share of lines that end with a punctuation mark. */
  MIN_PUNCTUATED_LINES(FilterSet.FINEWEB, 0.12),
  /** The share of characters in lines that were there before. */
  MAX_REPEATED_LINE_CHARACTERS(FilterSet.FINEWEB, 0.1),
  /** The share of lines of fewer than 30 characters. */
  MAX_SHORT_LINES(FilterSet.FINEWEB, 0.67);

  private final FilterSet set;
  private final double published;

  FilterThreshold(FilterSet set, double published) {
    this.set = set;
    this.published = published;
  }

  /** The set of rules it belongs to. */
  public FilterSet set() {
    return set;
  }

  /** Its published value. */
  public double published() {
    return published;
  }

  /** The word in specifications. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
