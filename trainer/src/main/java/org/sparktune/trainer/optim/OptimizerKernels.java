package org.sparktune.trainer.optim;

import java.util.Arrays;
import org.sparktune.trainer.memory.Memory;

/**
 * The inner loops over off-heap floats. Each copies a chunk that fits the first-level cache to heap
 * arrays, where the compiler turns a plain loop into vector instructions, and back. Java's float
 * arithmetic is exact to the bit (no contraction to fused operations), so vector width, interpreter
 * and compiler make no difference to the result.
 */
final class OptimizerKernels {
  private static final int CHUNK = 1024;
  private static final int LANES = 8;

  private OptimizerKernels() {}

  /** One thread's working memory. */
  static final class Chunk {
    private final float[] parameters = new float[CHUNK];
    private final float[] gradients = new float[CHUNK];
    private final float[] first = new float[CHUNK];
    private final float[] second = new float[CHUNK];
    private final double[] sums = new double[LANES];
  }

  /**
   * The scalars of one AdamW step, rounded to F32 where PyTorch's F32 tensors meet them.
   *
   * @param gradientScale factor on the gradient: clipping
   * @param decayFactor {@code 1 - learningRate·weightDecay}
   * @param firstWeight {@code 1 - beta1}
   * @param secondDecay {@code beta2}
   * @param secondWeight {@code 1 - beta2}
   * @param rootCorrection {@code √(1 - beta2^step)}
   * @param epsilon added to the corrected root
   * @param negativeStep {@code -learningRate / (1 - beta1^step)}
   */
  record AdamWScalars(
      float gradientScale,
      float decayFactor,
      float firstWeight,
      float secondDecay,
      float secondWeight,
      float rootCorrection,
      float epsilon,
      float negativeStep) {

    /** The same for parameters that do not decay. */
    AdamWScalars withoutDecay() {
      return new AdamWScalars(
          gradientScale,
          1f,
          firstWeight,
          secondDecay,
          secondWeight,
          rootCorrection,
          epsilon,
          negativeStep);
    }
  }

  /** One AdamW step over {@code count} elements at four addresses; the gradient is only read. */
  static void adamW(
      Chunk chunk,
      long parameters,
      long gradients,
      long first,
      long second,
      int count,
      AdamWScalars scalars) {
    for (int done = 0; done < count; done += CHUNK) {
      int length = Math.min(CHUNK, count - done);
      long offset = (long) done * Float.BYTES;
      Memory.copyToHeap(parameters + offset, chunk.parameters, length);
      Memory.copyToHeap(gradients + offset, chunk.gradients, length);
      Memory.copyToHeap(first + offset, chunk.first, length);
      Memory.copyToHeap(second + offset, chunk.second, length);
      adamW(chunk.parameters, chunk.gradients, chunk.first, chunk.second, length, scalars);
      Memory.copyFromHeap(chunk.parameters, parameters + offset, length);
      Memory.copyFromHeap(chunk.first, first + offset, length);
      Memory.copyFromHeap(chunk.second, second + offset, length);
    }
  }

  private static void adamW(
      float[] parameters,
      float[] gradients,
      float[] first,
      float[] second,
      int length,
      AdamWScalars scalars) {
    float gradientScale = scalars.gradientScale();
    float decayFactor = scalars.decayFactor();
    float firstWeight = scalars.firstWeight();
    float secondDecay = scalars.secondDecay();
    float secondWeight = scalars.secondWeight();
    float rootCorrection = scalars.rootCorrection();
    float epsilon = scalars.epsilon();
    float negativeStep = scalars.negativeStep();
    for (int i = 0; i < length; i++) {
      float gradient = gradients[i] * gradientScale;
      float m = first[i] + firstWeight * (gradient - first[i]);
      float v = second[i] * secondDecay + secondWeight * gradient * gradient;
      float root = (float) Math.sqrt(v) / rootCorrection + epsilon;
      parameters[i] = parameters[i] * decayFactor + negativeStep * m / root;
      first[i] = m;
      second[i] = v;
    }
  }

  /** {@code into += from}. */
  static void add(Chunk chunk, long into, long from, int count) {
    for (int done = 0; done < count; done += CHUNK) {
      int length = Math.min(CHUNK, count - done);
      long offset = (long) done * Float.BYTES;
      Memory.copyToHeap(into + offset, chunk.first, length);
      Memory.copyToHeap(from + offset, chunk.second, length);
      add(chunk.first, chunk.second, length);
      Memory.copyFromHeap(chunk.first, into + offset, length);
    }
  }

  private static void add(float[] into, float[] from, int length) {
    for (int i = 0; i < length; i++) {
      into[i] += from[i];
    }
  }

  /** The sum of squares, in eight interleaved sums that are added in order. */
  static double squaredNorm(Chunk chunk, long vector, int count) {
    double[] sums = chunk.sums;
    Arrays.fill(sums, 0);
    for (int done = 0; done < count; done += CHUNK) {
      int length = Math.min(CHUNK, count - done);
      Memory.copyToHeap(vector + (long) done * Float.BYTES, chunk.first, length);
      addSquares(chunk.first, length, sums);
    }
    double sum = 0;
    for (double part : sums) {
      sum += part;
    }
    return sum;
  }

  /** A square of a float is exact in double precision: only the additions round. */
  private static void addSquares(float[] values, int length, double[] sums) {
    double s0 = sums[0];
    double s1 = sums[1];
    double s2 = sums[2];
    double s3 = sums[3];
    double s4 = sums[4];
    double s5 = sums[5];
    double s6 = sums[6];
    double s7 = sums[7];
    int whole = length & -LANES;
    for (int i = 0; i < whole; i += LANES) {
      s0 += (double) values[i] * values[i];
      s1 += (double) values[i + 1] * values[i + 1];
      s2 += (double) values[i + 2] * values[i + 2];
      s3 += (double) values[i + 3] * values[i + 3];
      s4 += (double) values[i + 4] * values[i + 4];
      s5 += (double) values[i + 5] * values[i + 5];
      s6 += (double) values[i + 6] * values[i + 6];
      s7 += (double) values[i + 7] * values[i + 7];
    }
    for (int i = whole; i < length; i++) {
      s0 += (double) values[i] * values[i];
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
    sums[4] = s4;
    sums[5] = s5;
    sums[6] = s6;
    sums[7] = s7;
  }
}
