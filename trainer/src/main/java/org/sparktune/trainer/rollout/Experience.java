package org.sparktune.trainer.rollout;

import java.util.Collections;
import java.util.List;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.objective.ppo.Moments;

/**
 * What the policy did with the prompts of a micro-batch, ready to be learnt from.
 *
 * @param minibatches what every update of a pass reads, in their order; one without targets where
 *     there are fewer responses than minibatches
 * @param weights of the tokens of each minibatch, where an older policy sampled them; empty where
 *     the policy in training did
 * @param completions the responses as text, a prompt's next to each other
 * @param scores of the responses, as the reward function gave them
 * @param summary sums over them
 */
public record Experience(
    List<Batch> minibatches,
    List<float[]> weights,
    List<Completion> completions,
    float[] scores,
    Summary summary) {

  /**
   * Sums over responses; those of several micro-batches are put together by {@link #join}, in their
   * order.
   *
   * @param scores of the responses
   * @param advantages of the tokens, before whitening
   * @param divergence of the responses from the reference
   * @param surprise of the tokens: -log π
   * @param tokens of the responses
   * @param allTokens of prompts and responses
   * @param finished responses that the policy ended
   * @param groups of responses to the same prompt
   * @param flatGroups whose scores are all the same
   * @param skippedPrompts that left no room for a response
   */
  public record Summary(
      Moments scores,
      Moments advantages,
      double divergence,
      double surprise,
      long tokens,
      long allTokens,
      long finished,
      long groups,
      long flatGroups,
      long skippedPrompts) {

    /** Of nothing. */
    public static final Summary NONE =
        new Summary(Moments.NONE, Moments.NONE, 0, 0, 0, 0, 0, 0, 0, 0);

    /** How many numbers {@link #writeTo} writes. */
    public static final int LENGTH = 14;

    /** How many responses there are. */
    public long responses() {
      return scores.count();
    }

    /** Both together. */
    public Summary join(Summary other) {
      return new Summary(
          scores.join(other.scores),
          advantages.join(other.advantages),
          divergence + other.divergence,
          surprise + other.surprise,
          tokens + other.tokens,
          allTokens + other.allTokens,
          finished + other.finished,
          groups + other.groups,
          flatGroups + other.flatGroups,
          skippedPrompts + other.skippedPrompts);
    }

    /** Writes bits that ranks may add, because only one of them has a micro-batch's. */
    public void writeTo(long[] numbers, int offset) {
      write(scores, numbers, offset);
      write(advantages, numbers, offset + 3);
      numbers[offset + 6] = Double.doubleToRawLongBits(divergence);
      numbers[offset + 7] = Double.doubleToRawLongBits(surprise);
      numbers[offset + 8] = tokens;
      numbers[offset + 9] = allTokens;
      numbers[offset + 10] = finished;
      numbers[offset + 11] = groups;
      numbers[offset + 12] = flatGroups;
      numbers[offset + 13] = skippedPrompts;
    }

    /** Reads what {@link #writeTo} wrote. */
    public static Summary readFrom(long[] numbers, int offset) {
      return new Summary(
          readMoments(numbers, offset),
          readMoments(numbers, offset + 3),
          Double.longBitsToDouble(numbers[offset + 6]),
          Double.longBitsToDouble(numbers[offset + 7]),
          numbers[offset + 8],
          numbers[offset + 9],
          numbers[offset + 10],
          numbers[offset + 11],
          numbers[offset + 12],
          numbers[offset + 13]);
    }

    private static void write(Moments moments, long[] numbers, int offset) {
      numbers[offset] = moments.count();
      numbers[offset + 1] = Double.doubleToRawLongBits(moments.mean());
      numbers[offset + 2] = Double.doubleToRawLongBits(moments.squares());
    }

    private static Moments readMoments(long[] numbers, int offset) {
      return new Moments(
          numbers[offset],
          Double.longBitsToDouble(numbers[offset + 1]),
          Double.longBitsToDouble(numbers[offset + 2]));
    }
  }

  /** Of prompts that all left no room for a response. */
  static Experience none(int minibatches, long skippedPrompts) {
    Summary summary = new Summary(Moments.NONE, Moments.NONE, 0, 0, 0, 0, 0, 0, 0, skippedPrompts);
    return new Experience(
        Collections.nCopies(minibatches, ResponseBatch.EMPTY),
        List.of(),
        List.of(),
        new float[0],
        summary);
  }

  /** Whitens the advantages, in place, by the moments of all of the step's. */
  public void whiten(Moments all) {
    for (Batch minibatch : minibatches) {
      all.whiten(minibatch.rollout().advantages());
    }
  }

  /**
   * Multiplies the advantages, in place, with the weights of tokens that an older policy sampled.
   * After {@link #whiten}, which must see the advantages of the policy itself.
   *
   * @return Σ of the weights of all tokens; 0 where there are none
   */
  public double correct() {
    double sum = 0;
    for (int i = 0; i < weights.size(); i++) {
      ImportanceWeights.apply(weights.get(i), minibatches.get(i).rollout().advantages());
      for (float weight : weights.get(i)) {
        sum += weight;
      }
    }
    return sum;
  }
}
