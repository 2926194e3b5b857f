package org.sparktune.trainer.model;

/**
 * Layer normalization of a few rows on the host (Ba et al. 2016): {@code (x - mean) / √(variance +
 * 1e-5) · weight + bias}. D is the number of rows, C their width.
 */
final class LayerNorm {
  private static final double EPSILON = 1e-5;

  private final int width;
  private final float[] normalized;
  private final double[] inverse;
  private final float[] output;

  /**
   * @param input {@code (D, C)}
   * @param weight {@code (C)}
   * @param bias {@code (C)}
   */
  LayerNorm(float[] input, float[] weight, float[] bias) {
    this.width = weight.length;
    int rows = input.length / width;
    this.normalized = new float[input.length];
    this.inverse = new double[rows];
    this.output = new float[input.length];
    for (int row = 0; row < rows; row++) {
      int start = row * width;
      double mean = 0;
      for (int i = 0; i < width; i++) {
        mean += input[start + i];
      }
      mean /= width;
      double variance = 0;
      for (int i = 0; i < width; i++) {
        double distance = input[start + i] - mean;
        variance += distance * distance;
      }
      inverse[row] = 1 / Math.sqrt(variance / width + EPSILON);
      for (int i = 0; i < width; i++) {
        normalized[start + i] = (float) ((input[start + i] - mean) * inverse[row]);
        output[start + i] = normalized[start + i] * weight[i] + bias[i];
      }
    }
  }

  /** {@code (D, C)}. */
  float[] output() {
    return output;
  }

  /**
   * Gradients by row: those of weight and bias are their sums over rows.
   *
   * @param dWeight {@code (D, C)}
   * @param dBias {@code (D, C)}
   * @param dInput {@code (D, C)}
   */
  record Gradient(float[] dWeight, float[] dBias, float[] dInput) {}

  /**
   * The gradient of {@code slopes · (output · projection)}.
   *
   * @param slopes {@code (D)}
   * @param projection {@code (C)}
   * @param weight {@code (C)}, as it was given
   */
  Gradient gradient(float[] slopes, float[] projection, float[] weight) {
    float[] dWeight = new float[normalized.length];
    float[] dBias = new float[normalized.length];
    float[] dInput = new float[normalized.length];
    for (int row = 0; row < slopes.length; row++) {
      int start = row * width;
      double mean = 0;
      double along = 0;
      for (int i = 0; i < width; i++) {
        dBias[start + i] = slopes[row] * projection[i];
        dWeight[start + i] = dBias[start + i] * normalized[start + i];
        double slope = (double) dBias[start + i] * weight[i];
        mean += slope;
        along += slope * normalized[start + i];
      }
      mean /= width;
      along /= width;
      for (int i = 0; i < width; i++) {
        double slope = (double) dBias[start + i] * weight[i];
        dInput[start + i] = (float) ((slope - mean - along * normalized[start + i]) * inverse[row]);
      }
    }
    return new Gradient(dWeight, dBias, dInput);
  }
}
