package org.sparktune.trainer.rollout;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderTrainable;
import org.sparktune.trainer.model.Passage;

/**
 * A critic that follows the one in training slowly, so that what values are learnt from does not
 * move as fast as they do: {@code θ' ← θ' + τ·(θ - θ')} after every update (Lillicrap et al. 2016).
 * Critic and policy share a body, so all trained parameters are averaged, not the head alone. Its
 * values make advantages and returns; values are clipped around those of the critic in training.
 *
 * <p>P is the number of trained parameters.
 */
public final class TargetCritic implements AutoCloseable {
  private final Decoder decoder;
  private final DecoderTrainable critic;
  private final double rate;
  private final Arena arena = new Arena("target critic");

  /** {@code (P)}, in host memory. */
  private final Tensor average;

  /**
   * Begins as the critic in training is.
   *
   * @param decoder in training, with a value head
   * @param rate τ, above 0 and at most 1
   */
  public TargetCritic(Decoder decoder, double rate) {
    this.decoder = decoder;
    this.critic = new DecoderTrainable(decoder);
    this.rate = rate;
    this.average = arena.allocate(DType.F32, critic.layout().size());
    average.set(critic.vectors().toArray(critic.parameters()));
  }

  /** Takes a step towards the critic in training. */
  public void follow() {
    float[] parameters = critic.vectors().toArray(critic.parameters());
    float[] averages = average.toFloatArray();
    for (int i = 0; i < averages.length; i++) {
      averages[i] = (float) (averages[i] + rate * ((double) parameters[i] - averages[i]));
    }
    average.set(averages);
  }

  /**
   * What it says of the targets of some batches.
   *
   * @return {@code (M)} of each batch
   */
  List<float[]> values(List<Batch> batches, Passage passage) {
    float[] inTraining = critic.vectors().toArray(critic.parameters());
    List<float[]> values = new ArrayList<>();
    become(average.toFloatArray());
    try {
      for (Batch batch : batches) {
        values.add(decoder.values(batch, passage));
      }
    } finally {
      become(inTraining);
    }
    return values;
  }

  private void become(float[] parameters) {
    critic.vectors().set(critic.parameters(), parameters);
    critic.parametersChanged();
  }

  /** θ', {@code (P)} F32 in host memory: what a checkpoint keeps. */
  public Tensor average() {
    return average;
  }

  @Override
  public void close() {
    arena.close();
  }
}
