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
  WRONG_KIND;

  /** The name in manifests and reject files. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
