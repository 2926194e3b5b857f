package org.sparktune.trainer.engine.cpu.vector;

import static org.sparktune.trainer.engine.cpu.vector.Vectors.FLOATS;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.LANES;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.get;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.load;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.put;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.store;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import org.sparktune.trainer.memory.Memory;

/** RMSNorm of one row. Not safe for several threads: each has its own. */
public final class NormKernels {
  private final ByteBuffer first = Memory.window();
  private final ByteBuffer second = Memory.window();
  private final ByteBuffer third = Memory.window();
  private final ByteBuffer fourth = Memory.window();
  private final float[] lanes = new float[LANES];

  /**
   * out = x / √(mean(x²) + eps) · weight.
   *
   * @param count floats of x, weight and out
   * @return 1 / √(mean(x²) + eps)
   */
  public float normalize(long x, long weight, float eps, long out, int count) {
    ByteBuffer from = Memory.place(first, x);
    ByteBuffer w = Memory.place(second, weight);
    ByteBuffer to = Memory.place(third, out);
    float inverse = (float) (1 / Math.sqrt(squares(from, count) / count + (double) eps));
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      store(load(from, i).mul(inverse).mul(load(w, i)), to, i);
    }
    for (; i < count; i++) {
      put(to, i, get(from, i) * inverse * get(w, i));
    }
    return inverse;
  }

  private float squares(ByteBuffer from, int count) {
    FloatVector even = FloatVector.zero(FLOATS);
    FloatVector odd = FloatVector.zero(FLOATS);
    int i = 0;
    for (; i <= count - 2 * LANES; i += 2 * LANES) {
      FloatVector a = load(from, i);
      FloatVector b = load(from, i + LANES);
      even = a.fma(a, even);
      odd = b.fma(b, odd);
    }
    float sum = Vectors.sum(even.add(odd), lanes);
    for (; i < count; i++) {
      sum += get(from, i) * get(from, i);
    }
    return sum;
  }

  /**
   * dx = inverse · (dOut · weight − x̂ · mean(dOut · weight · x̂)), x̂ = x · inverse.
   *
   * @param accumulate whether to add to dx
   * @param count floats of each row
   */
  public void gradient(
      long dOut, long x, long weight, float inverse, long dx, boolean accumulate, int count) {
    ByteBuffer d = Memory.place(first, dOut);
    ByteBuffer from = Memory.place(second, x);
    ByteBuffer w = Memory.place(third, weight);
    ByteBuffer to = Memory.place(fourth, dx);
    float mean = products(d, w, from, count) * inverse / count;
    float factor = mean * inverse;
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      FloatVector value = load(d, i).mul(load(w, i)).sub(load(from, i).mul(factor)).mul(inverse);
      if (accumulate) {
        store(load(to, i).add(value), to, i);
      } else {
        store(value, to, i);
      }
    }
    for (; i < count; i++) {
      float value = (get(d, i) * get(w, i) - get(from, i) * factor) * inverse;
      put(to, i, accumulate ? get(to, i) + value : value);
    }
  }

  private float products(ByteBuffer a, ByteBuffer b, ByteBuffer c, int count) {
    FloatVector even = FloatVector.zero(FLOATS);
    FloatVector odd = FloatVector.zero(FLOATS);
    int i = 0;
    for (; i <= count - 2 * LANES; i += 2 * LANES) {
      even = load(a, i).mul(load(b, i)).fma(load(c, i), even);
      odd = load(a, i + LANES).mul(load(b, i + LANES)).fma(load(c, i + LANES), odd);
    }
    float sum = Vectors.sum(even.add(odd), lanes);
    for (; i < count; i++) {
      sum += get(a, i) * get(b, i) * get(c, i);
    }
    return sum;
  }

  /** dWeight += dOut · x · inverse, {@code count} floats each. */
  public void weightGradient(long dOut, long x, float inverse, long dWeight, int count) {
    ByteBuffer d = Memory.place(first, dOut);
    ByteBuffer from = Memory.place(second, x);
    ByteBuffer to = Memory.place(third, dWeight);
    FloatVector factor = FloatVector.broadcast(FLOATS, inverse);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      store(load(d, i).mul(load(from, i)).fma(factor, load(to, i)), to, i);
    }
    for (; i < count; i++) {
      put(to, i, Math.fma(get(d, i) * get(from, i), inverse, get(to, i)));
    }
  }
}
