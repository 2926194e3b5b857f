package org.sparktune.trainer.model;

import java.util.List;

/**
 * How a model's rotary frequencies are changed so that it reaches beyond the context it was first
 * trained on. Each kind computes what transformers' {@code modeling_rope_utils} computes for it.
 */
public sealed interface RopeScaling {

  /**
   * The angle per position of each pair of elements.
   *
   * @param theta the base
   * @param headSize D
   * @param documentLength tokens in the document: some kinds depend on it
   * @return {@code (D/2)}
   */
  double[] frequencies(double theta, int headSize, int documentLength);

  /** A factor on cosine and sine. */
  default double attentionFactor() {
    return 1;
  }

  /** A number that is the same for all documents that share a table. */
  default int variant(int documentLength) {
    return 0;
  }

  private static double[] plain(double theta, int headSize) {
    double[] frequencies = new double[headSize / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = 1 / Math.pow(theta, 2.0 * i / headSize);
    }
    return frequencies;
  }

  /** No change (Su et al. 2021). */
  record None() implements RopeScaling {
    @Override
    public double[] frequencies(double theta, int headSize, int documentLength) {
      return plain(theta, headSize);
    }
  }

  /**
   * Position interpolation (Chen et al. 2023).
   *
   * @param factor by which positions shrink
   */
  record Linear(double factor) implements RopeScaling {
    @Override
    public double[] frequencies(double theta, int headSize, int documentLength) {
      double[] frequencies = plain(theta, headSize);
      for (int i = 0; i < frequencies.length; i++) {
        frequencies[i] /= factor;
      }
      return frequencies;
    }
  }

  /**
   * NTK-aware scaling of the base, by the document's length.
   *
   * @param factor the scaling factor
   * @param maxPositions up to this length nothing changes
   */
  record Dynamic(double factor, int maxPositions) implements RopeScaling {
    @Override
    public double[] frequencies(double theta, int headSize, int documentLength) {
      double length = Math.max(documentLength, maxPositions);
      double stretch = factor * length / maxPositions - (factor - 1);
      return plain(theta * Math.pow(stretch, headSize / (headSize - 2.0)), headSize);
    }

    @Override
    public int variant(int documentLength) {
      return Math.max(documentLength, maxPositions);
    }
  }

  /**
   * Llama 3.1: low frequencies shrink, high ones stay, those between are blended.
   *
   * @param factor by which low frequencies shrink
   * @param lowFrequencyFactor original context over the longest unscaled wavelength
   * @param highFrequencyFactor original context over the shortest blended wavelength
   * @param originalPositions the original context
   */
  record Llama3(
      double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalPositions)
      implements RopeScaling {
    @Override
    public double[] frequencies(double theta, int headSize, int documentLength) {
      double[] frequencies = plain(theta, headSize);
      for (int i = 0; i < frequencies.length; i++) {
        double turns = originalPositions * frequencies[i] / (2 * Math.PI);
        double blend = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
        double smooth = Math.min(1, Math.max(0, blend));
        frequencies[i] *= (1 - smooth) / factor + smooth;
      }
      return frequencies;
    }
  }

  /**
   * LongRoPE (Ding et al. 2024): one divisor per frequency, others for long documents.
   *
   * @param shortDivisors {@code (D/2)} for documents up to {@code originalPositions}
   * @param longDivisors {@code (D/2)} for longer ones
   * @param originalPositions the original context
   * @param attentionFactor a factor on cosine and sine
   */
  record LongRope(
      List<Double> shortDivisors,
      List<Double> longDivisors,
      int originalPositions,
      double attentionFactor)
      implements RopeScaling {

    /** Copies the lists. */
    public LongRope {
      shortDivisors = List.copyOf(shortDivisors);
      longDivisors = List.copyOf(longDivisors);
    }

    /** The factor that Phi-3 uses where the configuration gives none. */
    static double defaultAttentionFactor(int maxPositions, int originalPositions) {
      double factor = (double) maxPositions / originalPositions;
      return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalPositions));
    }

    @Override
    public double[] frequencies(double theta, int headSize, int documentLength) {
      return divided(
          plain(theta, headSize), variant(documentLength) == 0 ? shortDivisors : longDivisors);
    }

    @Override
    public int variant(int documentLength) {
      return documentLength > originalPositions ? 1 : 0;
    }
  }

  /**
   * One divisor per frequency, as GGUF files carry them ({@code rope_freqs.weight}).
   *
   * @param divisors {@code (D/2)}
   */
  record Divisors(List<Double> divisors) implements RopeScaling {

    /** Copies the list. */
    public Divisors {
      divisors = List.copyOf(divisors);
    }

    @Override
    public double[] frequencies(double theta, int headSize, int documentLength) {
      return divided(plain(theta, headSize), divisors);
    }
  }

  /**
   * YaRN (Peng et al. 2023): high frequencies stay, low ones are interpolated, a ramp between.
   *
   * @param factor by which the context grows
   * @param originalPositions the original context
   * @param betaFast turns above which a frequency stays
   * @param betaSlow turns below which it is interpolated
   * @param attentionFactor a factor on cosine and sine
   */
  record Yarn(
      double factor,
      int originalPositions,
      double betaFast,
      double betaSlow,
      double attentionFactor)
      implements RopeScaling {

    /** The factor of the paper, section 3.4, where the configuration gives none. */
    static double defaultAttentionFactor(double factor) {
      return magnitudeScale(factor, 1);
    }

    /** {@code 0.1 · weight · ln(factor) + 1}. */
    static double magnitudeScale(double factor, double weight) {
      return factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
    }

    @Override
    public double[] frequencies(double theta, int headSize, int documentLength) {
      double low = Math.max(Math.floor(dimensionOfTurns(betaFast, theta, headSize)), 0);
      double high = Math.min(Math.ceil(dimensionOfTurns(betaSlow, theta, headSize)), headSize - 1);
      double width = low == high ? 0.001 : high - low;
      double[] frequencies = plain(theta, headSize);
      for (int i = 0; i < frequencies.length; i++) {
        double interpolated = Math.min(1, Math.max(0, (i - low) / width));
        frequencies[i] *= interpolated / factor + (1 - interpolated);
      }
      return frequencies;
    }

    private double dimensionOfTurns(double turns, double theta, int headSize) {
      return headSize * Math.log(originalPositions / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
    }
  }

  private static double[] divided(double[] frequencies, List<Double> divisors) {
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] /= divisors.get(i);
    }
    return frequencies;
  }
}
