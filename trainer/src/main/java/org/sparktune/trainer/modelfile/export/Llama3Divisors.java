package org.sparktune.trainer.modelfile.export;

import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.RopeScaling;

/**
 * Finds the settings of Llama 3.1's rotary scaling again from the divisors that GGUF keeps in their
 * place ({@code rope_freqs.weight}). The frequency factors are 1 and 4 in every published model,
 * the original context is a power of two and the factor is the largest divisor.
 */
final class Llama3Divisors {
  private static final double LOW_FREQUENCY_FACTOR = 1;
  private static final double HIGH_FREQUENCY_FACTOR = 4;
  private static final int LARGEST_CONTEXT = 1 << 24;

  /** GGUF keeps 32-bit numbers. */
  private static final double TOLERANCE = 1e-5;

  private Llama3Divisors() {}

  /**
   * The settings that make these divisors.
   *
   * @throws SparktuneException UNSUPPORTED when there are none
   */
  static RopeScaling.Llama3 recognize(RopeScaling.Divisors divisors, DecoderConfig config) {
    double factor = 1;
    for (double divisor : divisors.divisors()) {
      factor = Math.max(factor, divisor);
    }
    for (int positions = 1; positions <= LARGEST_CONTEXT; positions *= 2) {
      RopeScaling.Llama3 candidate =
          new RopeScaling.Llama3(factor, LOW_FREQUENCY_FACTOR, HIGH_FREQUENCY_FACTOR, positions);
      if (same(candidate, divisors, config)) {
        return candidate;
      }
    }
    throw new SparktuneException(
        ErrorCode.UNSUPPORTED,
        "The model's rotary frequencies (rope_freqs.weight) follow no rule that config.json can"
            + " express.",
        "Export GGUF instead.");
  }

  private static boolean same(
      RopeScaling.Llama3 candidate, RopeScaling.Divisors divisors, DecoderConfig config) {
    double[] expected = divisors.frequencies(config.ropeTheta(), config.headSize(), 0);
    double[] actual = candidate.frequencies(config.ropeTheta(), config.headSize(), 0);
    for (int i = 0; i < expected.length; i++) {
      if (Math.abs(expected[i] - actual[i]) > TOLERANCE * expected[i]) {
        return false;
      }
    }
    return true;
  }
}
