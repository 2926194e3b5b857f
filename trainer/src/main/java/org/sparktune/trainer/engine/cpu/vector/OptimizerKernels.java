package org.sparktune.trainer.engine.cpu.vector;

import static org.sparktune.trainer.engine.cpu.vector.Vectors.LANES;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.get;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.load;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.put;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.store;

import java.nio.ByteBuffer;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.sparktune.trainer.memory.Memory;

/**
 * Loops over flat parameter vectors. Every operation is rounded by itself, none are fused, so a
 * vector lane and a plain loop give the same bits. Not safe for several threads: each has its own.
 */
public final class OptimizerKernels {
  private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;

  private final ByteBuffer parameterWindow = Memory.window();
  private final ByteBuffer gradientWindow = Memory.window();
  private final ByteBuffer firstWindow = Memory.window();
  private final ByteBuffer secondWindow = Memory.window();
  private final double[] lanes = new double[DOUBLES.length()];

  /**
   * One AdamW step over {@code count} floats; the gradient is only read. The scalars are rounded to
   * F32 where PyTorch's F32 tensors meet them.
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
  public void adamW(
      long parameters,
      long gradients,
      long firstMoments,
      long secondMoments,
      int count,
      float gradientScale,
      float decayFactor,
      float firstWeight,
      float secondDecay,
      float secondWeight,
      float rootCorrection,
      float epsilon,
      float negativeStep) {
    ByteBuffer parameter = Memory.place(parameterWindow, parameters);
    ByteBuffer gradient = Memory.place(gradientWindow, gradients);
    ByteBuffer first = Memory.place(firstWindow, firstMoments);
    ByteBuffer second = Memory.place(secondWindow, secondMoments);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      FloatVector g = load(gradient, i).mul(gradientScale);
      FloatVector m = load(first, i);
      m = m.add(g.sub(m).mul(firstWeight));
      FloatVector v = load(second, i).mul(secondDecay).add(g.mul(secondWeight).mul(g));
      FloatVector root = v.sqrt().div(rootCorrection).add(epsilon);
      store(load(parameter, i).mul(decayFactor).add(m.mul(negativeStep).div(root)), parameter, i);
      store(m, first, i);
      store(v, second, i);
    }
    for (; i < count; i++) {
      float g = get(gradient, i) * gradientScale;
      float m = get(first, i);
      m = m + (g - m) * firstWeight;
      float v = get(second, i) * secondDecay + g * secondWeight * g;
      float root = (float) Math.sqrt(v) / rootCorrection + epsilon;
      put(parameter, i, get(parameter, i) * decayFactor + m * negativeStep / root);
      put(first, i, m);
      put(second, i, v);
    }
  }

  /**
   * The sum of the squares of {@code count} floats. A float's square is exact in double precision,
   * so only the additions round; their order depends on the count and the vector width alone.
   */
  public double squaredNorm(long vector, int count) {
    ByteBuffer values = Memory.place(parameterWindow, vector);
    DoubleVector low = DoubleVector.zero(DOUBLES);
    DoubleVector high = DoubleVector.zero(DOUBLES);
    DoubleVector nextLow = DoubleVector.zero(DOUBLES);
    DoubleVector nextHigh = DoubleVector.zero(DOUBLES);
    int i = 0;
    for (; i <= count - 2 * LANES; i += 2 * LANES) {
      FloatVector here = load(values, i);
      FloatVector next = load(values, i + LANES);
      low = addSquare(low, widen(here, 0));
      high = addSquare(high, widen(here, 1));
      nextLow = addSquare(nextLow, widen(next, 0));
      nextHigh = addSquare(nextHigh, widen(next, 1));
    }
    low.add(high).add(nextLow.add(nextHigh)).intoArray(lanes, 0);
    double sum = 0;
    for (double lane : lanes) {
      sum += lane;
    }
    for (; i < count; i++) {
      double value = get(values, i);
      sum += value * value;
    }
    return sum;
  }

  private static DoubleVector widen(FloatVector vector, int half) {
    return (DoubleVector) vector.convertShape(VectorOperators.F2D, DOUBLES, half);
  }

  private static DoubleVector addSquare(DoubleVector sum, DoubleVector value) {
    return value.fma(value, sum);
  }
}
