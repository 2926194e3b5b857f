package org.sparktune.trainer.engine.cpu.vector;

import static org.sparktune.trainer.engine.cpu.vector.Vectors.FLOATS;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.LANES;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.get;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.getBf16;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.load;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.loadBf16;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.put;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.store;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import org.sparktune.trainer.memory.Memory;

/**
 * Products of one row with the rows of a matrix, which run at the speed of memory. Not safe for
 * several threads: each has its own.
 */
public final class DotKernels {
  private final ByteBuffer vector = Memory.window();
  private final ByteBuffer rowA = Memory.window();
  private final ByteBuffer rowB = Memory.window();
  private final ByteBuffer rowC = Memory.window();
  private final ByteBuffer rowD = Memory.window();
  private final float[] lanes = new float[LANES];
  private final float[] results = new float[4];

  /** Σ a·b over {@code count} floats. */
  public float dot(long a, long b, int count) {
    ByteBuffer left = Memory.place(vector, a);
    return dot(left, Memory.place(rowA, b), count);
  }

  private float dot(ByteBuffer left, ByteBuffer right, int count) {
    FloatVector even = FloatVector.zero(FLOATS);
    FloatVector odd = FloatVector.zero(FLOATS);
    int i = 0;
    for (; i <= count - 2 * LANES; i += 2 * LANES) {
      even = load(left, i).fma(load(right, i), even);
      odd = load(left, i + LANES).fma(load(right, i + LANES), odd);
    }
    float sum = Vectors.sum(even.add(odd), lanes);
    for (; i < count; i++) {
      sum = Math.fma(get(left, i), get(right, i), sum);
    }
    return sum;
  }

  private float dotBf16(ByteBuffer left, ByteBuffer right, int count) {
    FloatVector total = FloatVector.zero(FLOATS);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      total = load(left, i).fma(loadBf16(right, i), total);
    }
    float sum = Vectors.sum(total, lanes);
    for (; i < count; i++) {
      sum = Math.fma(get(left, i), getBf16(right, i), sum);
    }
    return sum;
  }

  /**
   * y[o] = Σ x·w[o] (+ bias[o]) (+ y[o]).
   *
   * @param x {@code (in)} floats
   * @param w {@code (out, in)} F32 or BF16
   * @param bf16 whether w is BF16
   * @param stride elements between the rows of w
   * @param bias {@code (out)} floats, or 0
   * @param y {@code (out)} floats
   */
  public void matrixVector(
      long x,
      long w,
      boolean bf16,
      long stride,
      int in,
      int out,
      long bias,
      long y,
      boolean accumulate) {
    long rowBytes = stride * (bf16 ? Short.BYTES : Float.BYTES);
    int o = 0;
    for (; o <= out - 4; o += 4) {
      if (bf16) {
        fourRowsBf16(x, w + o * rowBytes, rowBytes, in);
      } else {
        fourRows(x, w + o * rowBytes, rowBytes, in);
      }
      finish(o, 4, bias, y, accumulate);
    }
    for (; o < out; o++) {
      ByteBuffer left = Memory.place(vector, x);
      ByteBuffer right = Memory.place(rowA, w + o * rowBytes);
      results[0] = bf16 ? dotBf16(left, right, in) : dot(left, right, in);
      finish(o, 1, bias, y, accumulate);
    }
  }

  private void finish(int from, int count, long bias, long y, boolean accumulate) {
    for (int i = 0; i < count; i++) {
      long at = (long) (from + i) * Float.BYTES;
      float value = results[i];
      if (bias != 0) {
        value += Memory.getFloat(bias + at);
      }
      Memory.putFloat(y + at, accumulate ? Memory.getFloat(y + at) + value : value);
    }
  }

  private void fourRows(long x, long w, long rowBytes, int in) {
    ByteBuffer v = Memory.place(vector, x);
    ByteBuffer a = Memory.place(rowA, w);
    ByteBuffer b = Memory.place(rowB, w + rowBytes);
    ByteBuffer c = Memory.place(rowC, w + 2 * rowBytes);
    ByteBuffer d = Memory.place(rowD, w + 3 * rowBytes);
    FloatVector sumA = FloatVector.zero(FLOATS);
    FloatVector sumB = sumA;
    FloatVector sumC = sumA;
    FloatVector sumD = sumA;
    int i = 0;
    for (; i <= in - LANES; i += LANES) {
      FloatVector value = load(v, i);
      sumA = value.fma(load(a, i), sumA);
      sumB = value.fma(load(b, i), sumB);
      sumC = value.fma(load(c, i), sumC);
      sumD = value.fma(load(d, i), sumD);
    }
    results[0] = Vectors.sum(sumA, lanes);
    results[1] = Vectors.sum(sumB, lanes);
    results[2] = Vectors.sum(sumC, lanes);
    results[3] = Vectors.sum(sumD, lanes);
    for (; i < in; i++) {
      float value = get(v, i);
      results[0] = Math.fma(value, get(a, i), results[0]);
      results[1] = Math.fma(value, get(b, i), results[1]);
      results[2] = Math.fma(value, get(c, i), results[2]);
      results[3] = Math.fma(value, get(d, i), results[3]);
    }
  }

  private void fourRowsBf16(long x, long w, long rowBytes, int in) {
    ByteBuffer v = Memory.place(vector, x);
    ByteBuffer a = Memory.place(rowA, w);
    ByteBuffer b = Memory.place(rowB, w + rowBytes);
    ByteBuffer c = Memory.place(rowC, w + 2 * rowBytes);
    ByteBuffer d = Memory.place(rowD, w + 3 * rowBytes);
    FloatVector sumA = FloatVector.zero(FLOATS);
    FloatVector sumB = sumA;
    FloatVector sumC = sumA;
    FloatVector sumD = sumA;
    int i = 0;
    for (; i <= in - LANES; i += LANES) {
      FloatVector value = load(v, i);
      sumA = value.fma(loadBf16(a, i), sumA);
      sumB = value.fma(loadBf16(b, i), sumB);
      sumC = value.fma(loadBf16(c, i), sumC);
      sumD = value.fma(loadBf16(d, i), sumD);
    }
    results[0] = Vectors.sum(sumA, lanes);
    results[1] = Vectors.sum(sumB, lanes);
    results[2] = Vectors.sum(sumC, lanes);
    results[3] = Vectors.sum(sumD, lanes);
    for (; i < in; i++) {
      float value = get(v, i);
      results[0] = Math.fma(value, getBf16(a, i), results[0]);
      results[1] = Math.fma(value, getBf16(b, i), results[1]);
      results[2] = Math.fma(value, getBf16(c, i), results[2]);
      results[3] = Math.fma(value, getBf16(d, i), results[3]);
    }
  }

  /** y += factor · x, {@code count} floats. */
  public void addScaled(float factor, long x, long y, int count) {
    ByteBuffer from = Memory.place(vector, x);
    ByteBuffer to = Memory.place(rowA, y);
    FloatVector broadcast = FloatVector.broadcast(FLOATS, factor);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      store(load(from, i).fma(broadcast, load(to, i)), to, i);
    }
    for (; i < count; i++) {
      put(to, i, Math.fma(get(from, i), factor, get(to, i)));
    }
  }
}
