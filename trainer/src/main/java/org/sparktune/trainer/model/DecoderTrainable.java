package org.sparktune.trainer.model;

import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.run.ParameterLayout;
import org.sparktune.trainer.run.Trainable;

/**
 * Supervised fine-tuning of a decoder: next-token cross-entropy, over LoRA factors or over the
 * whole model, as its {@link Tuning} says.
 */
public final class DecoderTrainable implements Trainable {
  private static final int SEED_SAMPLES = 1024;

  private final Decoder decoder;

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
  public LossSum accumulate(Batch batch, double lossScale) {
    double sum = decoder.logProbsAndGradient(batch, (float) -lossScale, passage(batch));
    return new LossSum(-sum, batch.validTokens());
  }

  @Override
  public LossSum evaluate(Batch batch) {
    return new LossSum(-decoder.sumOfLogProbs(batch), batch.validTokens());
  }

  /**
   * Dropout's seed comes from the batch and the parameters as they are, so that it is another at
   * every step and yet the same after a resume and on any executor.
   */
  private Passage passage(Batch batch) {
    float dropout = (float) decoder.plan().dropout();
    if (dropout == 0) {
      return Passage.PLAIN;
    }
    long seed = ((Tuning.Lora) decoder.plan().tuning()).seed();
    for (int token : batch.tokens()) {
      seed = seed * 0x5DEECE66DL + token;
    }
    Tensor parameters = parameters();
    long stride = Math.max(1, parameters.size() / SEED_SAMPLES);
    for (long i = 0; i < parameters.size(); i += stride) {
      seed = seed * 0x5DEECE66DL + Float.floatToRawIntBits(parameters.getFloat(i));
    }
    return new Passage(true, dropout, seed);
  }
}
