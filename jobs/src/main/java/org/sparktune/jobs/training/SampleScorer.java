package org.sparktune.jobs.training;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.dataset.DatasetRow;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.Passage;

/**
 * Scores samples one by one or several in a pass; a sample's loss does not depend on which others
 * share its pass.
 */
final class SampleScorer {
  private final Decoder decoder;
  private final int batchTokens;
  private final List<DatasetRow> pending = new ArrayList<>();
  private final List<Evaluation.Sample> samples = new ArrayList<>();
  private int pendingTokens;

  /**
   * @param batchTokens a pass takes samples while their tokens stay below this
   */
  SampleScorer(Decoder decoder, int batchTokens) {
    this.decoder = decoder;
    this.batchTokens = batchTokens;
  }

  /** Adds a row; every document in it is a sample. */
  void add(DatasetRow row) {
    if (!pending.isEmpty() && pendingTokens + row.tokens().length > batchTokens) {
      score();
    }
    pending.add(row);
    pendingTokens += row.tokens().length;
  }

  /** Scores what is left. */
  List<Evaluation.Sample> finish() {
    if (!pending.isEmpty()) {
      score();
    }
    return samples;
  }

  private void score() {
    Batch batch = DatasetRow.batch(pending);
    float[] logProbs = decoder.scores(batch, Passage.PLAIN);
    int[] starts = batch.documentStarts();
    int target = 0;
    for (int document = 0; document + 1 < starts.length; document++) {
      double sum = 0;
      long tokens = 0;
      for (int i = starts[document]; i < starts[document + 1]; i++) {
        if (batch.targets()[i] != Batch.IGNORED) {
          sum -= logProbs[target++];
          tokens++;
        }
      }
      if (tokens > 0) {
        samples.add(new Evaluation.Sample(sum / tokens, tokens));
      }
    }
    pending.clear();
    pendingTokens = 0;
  }
}
