package org.sparktune.pipeline.sample;

import java.util.Locale;

/** Why a record does not become part of a dataset. */
public enum RejectReason {
  /** The line is not JSON. */
  MALFORMED_JSON,
  /** The line is not UTF-8. */
  NOT_UTF8,
  /** The line, the text or the conversation is empty. */
  EMPTY,
  /** The line is longer than {@code max_line_bytes}. */
  OVER_LONG_LINE,
  /** A column that the schema needs is absent. */
  MISSING_FIELD,
  /** A column holds something else than the schema says. */
  WRONG_TYPE,
  /** No token would be trained on. */
  NO_LOSS_TOKENS,
  /** The document is longer than a row. */
  TOO_LONG,
  /** The document has fewer tokens than asked for. */
  TOO_SHORT,
  /** The chat template failed or refused the conversation. */
  TEMPLATE_ERROR,
  /** A given token id is outside the vocabulary. */
  TOKEN_OUT_OF_RANGE,
  /** Both completions of a pair are the same. */
  IDENTICAL_PAIR,
  /** A score, rank or comparison is missing or makes no sense; no finite number, for instance. */
  BAD_SCORE,
  /** It is a preference pair where something else is wanted, or the other way round. */
  WRONG_KIND,
  /** It breaks a rule of {@code filters: gopher}. */
  GOPHER(true),
  /** It breaks a rule of {@code filters: c4}. */
  C4(true),
  /** It breaks a rule of {@code filters: fineweb}. */
  FINEWEB(true),
  /** It is not in one of the {@code languages}, or not clearly so. */
  LANGUAGE(true),
  /** It holds a word of the {@code blocklist}. */
  BLOCKLIST(true),
  /** Cleaning left nothing of one of its texts. */
  NOTHING_LEFT(true),
  /** It shares a run of words with an evaluation set. */
  CONTAMINATED(true),
  /** An earlier record has the same text. */
  DUPLICATE(true),
  /** An earlier record has nearly the same text. */
  NEAR_DUPLICATE(true),
  /** An earlier dataset has the same text, or nearly so. */
  KNOWN(true);

  private final boolean filtered;

  RejectReason() {
    this(false);
  }

  RejectReason(boolean filtered) {
    this.filtered = filtered;
  }

  /**
   * Whether nothing is wrong with the record, but it was filtered out as asked for; such records do
   * not count as bad input.
   */
  public boolean filtered() {
    return filtered;
  }

  /** The name in manifests and reject files. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
