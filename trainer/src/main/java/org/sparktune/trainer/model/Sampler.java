package org.sparktune.trainer.model;

import java.util.Arrays;
import java.util.BitSet;
import java.util.SplittableRandom;
import org.sparktune.trainer.engine.ElementLoops;

/** Chooses one sequence's next tokens from logits. */
final class Sampler {
  private final SamplingOptions options;
  private final SplittableRandom random;
  private final BitSet seen = new BitSet();

  /**
   * @param stream which sequence of a batch it is: each draws from a stream of its own
   */
  Sampler(SamplingOptions options, int stream) {
    this.options = options;
    this.random = new SplittableRandom(options.seed() + stream * 0x9E3779B97F4A7C15L);
  }

  /** Says that tokens are part of the sequence, for the repetition penalty. */
  void see(int... tokens) {
    for (int token : tokens) {
      seen.set(token);
    }
  }

  /**
   * The next token; {@link #see} is told.
   *
   * @param logits {@code (V)}, changed
   */
  int next(float[] logits) {
    penalize(logits);
    int token = options.temperature() == 0 ? likeliest(logits) : draw(logits);
    see(token);
    return token;
  }

  private void penalize(float[] logits) {
    if (options.repetitionPenalty() == 1) {
      return;
    }
    float penalty = (float) options.repetitionPenalty();
    for (int token = seen.nextSetBit(0); token >= 0; token = seen.nextSetBit(token + 1)) {
      logits[token] = logits[token] < 0 ? logits[token] * penalty : logits[token] / penalty;
    }
  }

  private static int likeliest(float[] logits) {
    int best = 0;
    for (int token = 1; token < logits.length; token++) {
      if (logits[token] > logits[best]) {
        best = token;
      }
    }
    return best;
  }

  /** The number that a draw from all tokens takes. */
  double number() {
    return random.nextDouble();
  }

  /** Without a filter nothing needs to be put in order. */
  private int draw(float[] logits) {
    return options.takesAll()
        ? ElementLoops.drawColumn(logits, options.temperature(), number())
        : drawFromSome(logits);
  }

  private int drawFromSome(float[] logits) {
    long[] ordered = likeliestFirst(logits);
    int kept = options.topK() == 0 ? ordered.length : Math.min(options.topK(), ordered.length);
    double[] weights = new double[kept];
    float highest = logits[token(ordered[0])];
    double sum = 0;
    for (int i = 0; i < kept; i++) {
      weights[i] = Math.exp((logits[token(ordered[i])] - highest) / options.temperature());
      sum += weights[i];
    }
    kept = withinTopP(weights, kept, sum);
    kept = aboveMinP(weights, kept);
    double total = 0;
    for (int i = 0; i < kept; i++) {
      total += weights[i];
    }
    double threshold = random.nextDouble() * total;
    for (int i = 0; i < kept; i++) {
      threshold -= weights[i];
      if (threshold < 0) {
        return token(ordered[i]);
      }
    }
    return token(ordered[kept - 1]);
  }

  private int withinTopP(double[] weights, int kept, double sum) {
    if (options.topP() == 1) {
      return kept;
    }
    double cumulative = 0;
    for (int i = 0; i < kept; i++) {
      cumulative += weights[i] / sum;
      if (cumulative >= options.topP()) {
        return i + 1;
      }
    }
    return kept;
  }

  private int aboveMinP(double[] weights, int kept) {
    int end = kept;
    while (end > 1 && weights[end - 1] < options.minP() * weights[0]) {
      end--;
    }
    return end;
  }

  /** Tokens by falling logit, then by id; the token is the low half of each element. */
  private static long[] likeliestFirst(float[] logits) {
    long[] ordered = new long[logits.length];
    for (int token = 0; token < logits.length; token++) {
      int bits = Float.floatToIntBits(logits[token]);
      int rising = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
      ordered[token] = ((long) ~rising << 32) | token;
    }
    Arrays.sort(ordered);
    return ordered;
  }

  private static int token(long element) {
    return (int) element;
  }
}
