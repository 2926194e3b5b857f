package org.sparktune.trainer.model;

import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.run.ParameterLayout;
import org.sparktune.trainer.run.Trainable;

/**
 * Supervised fine-tuning of a decoder: next-token cross-entropy, over LoRA factors or over the
 * whole model, as its {@link Tuning} says.
 */
public final class DecoderTrainable implements Trainable {
  private final Decoder decoder;
  private long dropoutSeed;

  /**
   * @param decoder a decoder of which something is trained
   */
  public DecoderTrainable(Decoder decoder) {
    this.decoder = decoder;
  }

  /** The model. */
  public Decoder decoder() {
    return decoder;
  }

  @Override
  public ParameterLayout layout() {
    return decoder.trained().layout();
  }

  @Override
  public Tensor parameters() {
    return decoder.trained().values();
  }

  @Override
  public Tensor gradients() {
    return decoder.trained().gradients();
  }

  @Override
  public void parametersChanged() {
    decoder.parametersChanged();
  }

  @Override
  public void reseed(long seed) {
    dropoutSeed = seed;
  }

  @Override
  public LossSum accumulate(Batch batch, double lossScale) {
    double sum = decoder.logProbsAndGradient(batch, (float) -lossScale, passage());
    return new LossSum(-sum, batch.validTokens());
  }

  @Override
  public LossSum evaluate(Batch batch) {
    return new LossSum(-decoder.sumOfLogProbs(batch), batch.validTokens());
  }

  private Passage passage() {
    float dropout = (float) decoder.plan().dropout();
    return dropout == 0 ? Passage.PLAIN : new Passage(true, dropout, dropoutSeed);
  }
}
