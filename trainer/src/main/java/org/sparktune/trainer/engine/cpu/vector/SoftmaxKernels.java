package org.sparktune.trainer.engine.cpu.vector;

import static org.sparktune.trainer.engine.cpu.vector.Vectors.FLOATS;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.LANES;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.exp;
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
  private final ByteBuffer third = Memory.window();
  private final ByteBuffer fourth = Memory.window();
  private final float[] lanes = new float[LANES];

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
   * p = exp(scale · x − shift).
   *
   * @param count how many; a multiple of 16
   * @param p where they go, BF16 or F32; may be x itself when F32
   * @return their sum, before rounding
   */
  public float exponentials(long x, float scale, float shift, long p, boolean bf16, int count) {
    ByteBuffer from = Memory.place(first, x);
    ByteBuffer to = Memory.place(second, p);
    FloatVector factor = FloatVector.broadcast(FLOATS, scale);
    FloatVector offset = FloatVector.broadcast(FLOATS, -shift);
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int i = 0; i < count; i += LANES) {
      FloatVector value = exp(load(from, i).fma(factor, offset));
      sum = sum.add(value);
      if (bf16) {
        Vectors.storeBf16(value, to, i);
      } else {
        store(value, to, i);
      }
    }
    return Vectors.sum(sum, lanes);
  }

  /**
   * p = exp(scale · x − logSumExp) and ds = p · (dp − delta) · scale.
   *
   * @param p where the probabilities go; may be x itself when F32
   * @param ds where the gradient goes; may be dp itself when F32
   * @param bf16 whether p and ds are BF16
   * @param count how many; a multiple of 16
   */
  public void attentionGradient(
      long x,
      long dp,
      float scale,
      float logSumExp,
      float delta,
      long p,
      long ds,
      boolean bf16,
      int count) {
    ByteBuffer from = Memory.place(first, x);
    ByteBuffer upstream = Memory.place(second, dp);
    ByteBuffer toP = Memory.place(third, p);
    ByteBuffer toDs = Memory.place(fourth, ds);
    FloatVector factor = FloatVector.broadcast(FLOATS, scale);
    FloatVector offset = FloatVector.broadcast(FLOATS, -logSumExp);
    for (int i = 0; i < count; i += LANES) {
      FloatVector probability = exp(load(from, i).fma(factor, offset));
      FloatVector gradient = load(upstream, i).sub(delta).mul(scale).mul(probability);
      if (bf16) {
        Vectors.storeBf16(probability, toP, i);
        Vectors.storeBf16(gradient, toDs, i);
      } else {
        store(probability, toP, i);
        store(gradient, toDs, i);
      }
    }
  }

  /** log Σ exp(x) of {@code count} floats, read once. */
  public float logSumExp(long x, int count) {
    ByteBuffer from = Memory.place(first, x);
    float max = Float.NEGATIVE_INFINITY;
    double sum = 0;
    for (int start = 0; start < count; start += BLOCK) {
      int end = Math.min(count, start + BLOCK);
      float blockMax = max(from, start, end);
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
      total = total.add(exp(load(from, i).sub(max)));
    }
    float sum = Vectors.sum(total, lanes);
    for (; i < end; i++) {
      sum += exp(get(from, i) - max);
    }
    return sum;
  }

  /**
   * The gradient of a target's log-probability with respect to the logits: d · (onehot − p).
   *
   * @param logits {@code (count)} floats
   * @param out where it goes, F32 (may be the logits themselves) or BF16
   */
  public void logProbGradient(
      long logits, int count, float logSumExp, int target, float d, long out, boolean bf16) {
    ByteBuffer from = Memory.place(first, logits);
    ByteBuffer to = Memory.place(second, out);
    float atTarget = d - d * exp(get(from, target) - logSumExp);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      FloatVector value = exp(load(from, i).sub(logSumExp)).mul(-d);
      if (bf16) {
        Vectors.storeBf16(value, to, i);
      } else {
        store(value, to, i);
      }
    }
    for (; i < count; i++) {
      putEither(to, i, exp(get(from, i) - logSumExp) * -d, bf16);
    }
    putEither(to, target, atTarget, bf16);
  }

  private static void putEither(ByteBuffer to, int index, float value, boolean bf16) {
    if (bf16) {
      Vectors.putBf16(to, index, value);
    } else {
      put(to, index, value);
    }
  }
}
