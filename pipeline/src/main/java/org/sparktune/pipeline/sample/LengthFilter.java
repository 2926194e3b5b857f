package org.sparktune.pipeline.sample;

import java.util.Arrays;
import org.sparktune.pipeline.spec.DatasetOptions.OnLong;

/**
 * Keeps documents that fit a row and teach something.
 *
 * @param minimumTokens shorter ones are rejected
 * @param maximumTokens longer ones are rejected or cut
 * @param onLong which of the two
 * @param prompts whether documents are prompts: those need no loss, and are not cut
 */
public record LengthFilter(int minimumTokens, int maximumTokens, OnLong onLong, boolean prompts) {

  /**
   * The document, possibly cut.
   *
   * @throws RejectException when it is too short, too long, or has no target that carries loss
   */
  public Document apply(Document document) throws RejectException {
    int length = document.length();
    // To be learnt, a token needs another before it; to be answered, it needs none.
    int minimum = prompts ? 1 : minimumTokens;
    if (length < minimum) {
      throw new RejectException(RejectReason.TOO_SHORT, length + " tokens, fewer than " + minimum);
    }
    Document kept = document;
    if (length > maximumTokens && document.isPair()) {
      // Completions cut to different shares would not be comparable.
      throw new RejectException(
          RejectReason.TOO_LONG,
          length + " tokens of both completions, more than " + maximumTokens);
    }
    if (length > maximumTokens) {
      kept =
          switch (prompts ? OnLong.REJECT : onLong) {
            case REJECT ->
                throw new RejectException(
                    RejectReason.TOO_LONG, length + " tokens, more than " + maximumTokens);
            case TRUNCATE ->
                new Document(
                    Arrays.copyOf(document.ids(), maximumTokens),
                    Arrays.copyOf(document.lossMask(), maximumTokens));
          };
    }
    if (!prompts && !kept.teaches()) {
      throw new RejectException(
          RejectReason.NO_LOSS_TOKENS,
          kept.isPair()
              ? "a completion has no token that carries loss"
              : "none of its " + kept.length() + " tokens carries loss");
    }
    return kept;
  }
}
