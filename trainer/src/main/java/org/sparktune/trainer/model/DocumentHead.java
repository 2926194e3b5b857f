package org.sparktune.trainer.model;

import org.sparktune.trainer.memory.Tensor;

/**
 * What turns the normed rows of documents into a score each. D is the number of documents, M the
 * number of rows that the head reads, C the hidden size.
 */
sealed interface DocumentHead permits ScoreHead, AttentionHead, EnsembleHead {

  /** K, how many scores a document gets. */
  default int count() {
    return 1;
  }

  /**
   * The rows that a head reads.
   *
   * @param positions {@code (M)} token indexes of the batch, a document's together
   * @param starts {@code (D + 1)} index of each document's first row, then M
   */
  record Rows(int[] positions, int[] starts) {}

  /**
   * Chooses rows.
   *
   * @param starts {@code (D + 1)} where the batch's documents begin
   * @param lasts {@code (D)} the last token of each that counts
   */
  Rows rows(int[] starts, int[] lasts);

  /**
   * Scores documents.
   *
   * @param normed {@code (M, C)}
   * @return {@code (K·D)}, head by head
   */
  float[] scores(Tensor normed, Rows rows);

  /**
   * Gradient of {@link #scores}; adds to the head's own.
   *
   * @param dScores {@code (K·D)}
   * @param dNormed {@code (M, C)}
   * @param accumulate whether dNormed is added to rather than written
   */
  void gradient(Tensor normed, Rows rows, float[] dScores, Tensor dNormed, boolean accumulate);
}
