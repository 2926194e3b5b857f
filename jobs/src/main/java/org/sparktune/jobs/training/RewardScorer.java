package org.sparktune.jobs.training;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.dataset.DatasetRow;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.ScoredDecoder;

/** Gives rows to a reward model, several in a pass, and keeps what it says of their documents. */
final class RewardScorer {
  private final ScoredDecoder model;
  private final int batchTokens;
  private final List<DatasetRow> pending = new ArrayList<>();
  private final List<Boolean> pendingPairs = new ArrayList<>();
  private final List<RewardEvaluation.Sample> samples = new ArrayList<>();
  private int pendingTokens;

  /**
   * @param batchTokens a pass takes rows while their tokens stay below this
   */
  RewardScorer(ScoredDecoder model, int batchTokens) {
    this.model = model;
    this.batchTokens = batchTokens;
  }

  /**
   * Adds a row.
   *
   * @param pairs whether its documents come in pairs, the chosen one first
   */
  void add(DatasetRow row, boolean pairs) {
    if (!pending.isEmpty() && pendingTokens + row.tokens().length > batchTokens) {
      score();
    }
    pending.add(row);
    pendingPairs.add(pairs);
    pendingTokens += row.tokens().length;
  }

  /**
   * Scores what is left.
   *
   * @param sources the file of every document that was added; empty where that is not known
   */
  RewardEvaluation finish(List<String> sources) {
    if (!pending.isEmpty()) {
      score();
    }
    return RewardEvaluation.of(samples, sources);
  }

  private void score() {
    Batch batch = DatasetRow.batch(pending);
    float[] opinions = model.opinions(batch);
    float[] scores = model.means(opinions);
    float[] doubts = model.heads() > 1 ? model.uncertainties(opinions) : null;
    int document = 0;
    for (int i = 0; i < pending.size(); i++) {
      DatasetRow row = pending.get(i);
      int end = document + row.documentStarts().length;
      float[] targets = row.labels().scores();
      int first = document;
      while (document < end) {
        double score = finite(scores[document], row);
        int tokens = tokens(batch, document);
        if (pendingPairs.get(i)) {
          double rejected = finite(scores[document + 1], row);
          int otherTokens = tokens(batch, document + 1);
          samples.add(
              new RewardEvaluation.Pair(
                  score,
                  rejected,
                  tokens,
                  otherTokens,
                  doubts == null ? null : doubts[document],
                  doubts == null ? null : doubts[document + 1]));
          document += 2;
        } else {
          Float target = targets.length == 0 ? null : targets[document - first];
          samples.add(
              new RewardEvaluation.Single(
                  score, tokens, target, doubts == null ? null : doubts[document]));
          document++;
        }
      }
    }
    pending.clear();
    pendingPairs.clear();
    pendingTokens = 0;
  }

  private static int tokens(Batch batch, int document) {
    return batch.documentStarts()[document + 1] - batch.documentStarts()[document];
  }

  private static double finite(float score, DatasetRow row) {
    if (!Float.isFinite(score)) {
      throw new SparktuneException(
          ErrorCode.DIVERGED,
          "The reward model gives a document of row %d of %s the score %s."
              .formatted(row.row(), row.part(), score),
          "Use an earlier checkpoint of the model, or precision fp32.");
    }
    return score;
  }
}
