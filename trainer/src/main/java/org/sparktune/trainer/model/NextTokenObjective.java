package org.sparktune.trainer.model;

import org.sparktune.trainer.optim.GradientListener;
import org.sparktune.trainer.optim.Trainable.LossSum;

/** Supervised fine-tuning: next-token cross-entropy, a mean over the tokens that carry loss. */
final class NextTokenObjective implements DecoderObjective {

  @Override
  public long weight(Batch batch) {
    return batch.validTokens();
  }

  @Override
  public boolean isLogLikelihood() {
    return true;
  }

  @Override
  public LossSum accumulate(
      Decoder decoder, Batch batch, double lossScale, Passage passage, GradientListener listener) {
    double sum = decoder.logProbsAndGradient(batch, (float) -lossScale, passage, listener);
    return new LossSum(-sum, batch.validTokens());
  }

  @Override
  public LossSum evaluate(Decoder decoder, Batch batch) {
    return new LossSum(-decoder.sumOfLogProbs(batch), batch.validTokens());
  }
}
