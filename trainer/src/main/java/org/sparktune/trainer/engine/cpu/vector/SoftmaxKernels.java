package org.sparktune.trainer.engine.cpu.vector;

import static org.sparktune.trainer.engine.cpu.vector.Vectors.FLOATS;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.LANES;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.exp;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.expOfNonPositive;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.get;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.load;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.put;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.store;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import org.sparktune.trainer.memory.Memory;

/** Softmax of one row and its gradients. Not safe for several threads: each has its own. */
public final class SoftmaxKernels {
  /** Floats looked at twice while they are in the first-level cache. */
  private static final int BLOCK = 2048;

  private final ByteBuffer first = Memory.window();
  private final ByteBuffer second = Memory.window();
  private final float[] lanes = new float[LANES];
  private final float[] block = new float[BLOCK];

  /** eˣ with the bits the kernels compute. */
  public static float exponential(float x) {
    return exp(x);
  }

  /** The largest of {@code count} floats. */
  public float max(long x, int count) {
    return max(Memory.place(first, x), 0, count);
  }

  private float max(ByteBuffer from, int start, int end) {
    int i = start;
    float max = Float.NEGATIVE_INFINITY;
    if (end - start >= LANES) {
      FloatVector largest = load(from, i);
      for (i += LANES; i <= end - LANES; i += LANES) {
        largest = largest.max(load(from, i));
      }
      max = Vectors.max(largest, lanes);
    }
    for (; i < end; i++) {
      max = Math.max(max, get(from, i));
    }
    return max;
  }

  /**
   * x = exp(scale · x − shift), for x whose result is at most 1.
   *
   * @param count how many; a multiple of 16
   * @return their sum
   */
  public float exponentials(long x, float scale, float shift, int count) {
    ByteBuffer values = Memory.place(first, x);
    FloatVector factor = FloatVector.broadcast(FLOATS, scale);
    FloatVector offset = FloatVector.broadcast(FLOATS, -shift);
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int i = 0; i < count; i += LANES) {
      FloatVector value = expOfNonPositive(load(values, i).fma(factor, offset));
      sum = sum.add(value);
      store(value, values, i);
    }
    return Vectors.sum(sum, lanes);
  }

  /**
   * dp = p · (dp − delta) · scale: the gradient of a softmax's input.
   *
   * @param count how many; a multiple of 16
   */
  public void softmaxGradient(long p, long dp, float scale, float delta, int count) {
    ByteBuffer probabilities = Memory.place(first, p);
    ByteBuffer gradients = Memory.place(second, dp);
    for (int i = 0; i < count; i += LANES) {
      FloatVector gradient = load(gradients, i).sub(delta).mul(scale);
      store(gradient.mul(load(probabilities, i)), gradients, i);
    }
  }

  /** log Σ exp(x) of {@code count} floats, read once; NaN when one of them is. */
  public float logSumExp(long x, int count) {
    ByteBuffer from = Memory.place(first, x);
    float max = Float.NEGATIVE_INFINITY;
    double sum = 0;
    for (int start = 0; start < count; start += BLOCK) {
      int end = Math.min(count, start + BLOCK);
      float blockMax = max(from, start, end);
      if (Float.isNaN(blockMax)) {
        return Float.NaN;
      }
      if (blockMax > max) {
        sum *= exp(max - blockMax);
        max = blockMax;
      }
      sum += sumOfExponentials(from, start, end, max);
    }
    return (float) (max + StrictMath.log(sum));
  }

  private float sumOfExponentials(ByteBuffer from, int start, int end, float max) {
    FloatVector total = FloatVector.zero(FLOATS);
    int i = start;
    for (; i <= end - LANES; i += LANES) {
      total = total.add(expOfNonPositive(load(from, i).sub(max)));
    }
    float sum = Vectors.sum(total, lanes);
    for (; i < end; i++) {
      sum += exp(get(from, i) - max);
    }
    return sum;
  }

  /**
   * The gradient of a target's log-probability with respect to some of the logits, in their place:
   * d · (onehot − p).
   *
   * @param logits {@code (count)} floats
   * @param target the target's index among them; it may lie outside
   */
  public void logProbGradient(long logits, int count, float logSumExp, int target, float d) {
    ByteBuffer values = Memory.place(first, logits);
    boolean within = target >= 0 && target < count;
    float atTarget = within ? d - d * exp(get(values, target) - logSumExp) : 0;
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      store(expOfNonPositive(load(values, i).sub(logSumExp)).mul(-d), values, i);
    }
    for (; i < count; i++) {
      put(values, i, exp(get(values, i) - logSumExp) * -d);
    }
    if (within) {
      put(values, target, atTarget);
    }
  }

  /**
   * The same, rounded to BF16 and written elsewhere.
   *
   * @param halves {@code (count)} BF16
   */
  public void logProbGradient(
      long logits, long halves, int count, float logSumExp, int target, float d) {
    ByteBuffer values = Memory.place(first, logits);
    ByteBuffer rounded = Memory.place(second, halves);
    for (int start = 0; start < count; start += BLOCK) {
      int end = Math.min(count, start + BLOCK);
      gradientBlock(values, start, end, logSumExp, d);
      roundBlock(rounded, start, end);
    }
    if (target >= 0 && target < count) {
      Vectors.putBf16(rounded, target, d - d * exp(get(values, target) - logSumExp));
    }
  }

  /** Leaves the gradient of logits other than the target's in {@link #block}. */
  private void gradientBlock(ByteBuffer values, int start, int end, float logSumExp, float d) {
    int i = start;
    for (; i <= end - LANES; i += LANES) {
      expOfNonPositive(load(values, i).sub(logSumExp)).mul(-d).intoArray(block, i - start);
    }
    for (; i < end; i++) {
      block[i - start] = exp(get(values, i) - logSumExp) * -d;
    }
  }

  private void roundBlock(ByteBuffer halves, int start, int end) {
    int i = start;
    for (; i <= end - LANES; i += LANES) {
      Vectors.storeBf16(FloatVector.fromArray(FLOATS, block, i - start), halves, i);
    }
    for (; i < end; i++) {
      Vectors.putBf16(halves, i, block[i - start]);
    }
  }
}
