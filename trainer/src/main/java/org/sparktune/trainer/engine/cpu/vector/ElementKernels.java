package org.sparktune.trainer.engine.cpu.vector;

import static org.sparktune.trainer.engine.cpu.vector.Vectors.LANES;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.get;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.load;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.put;
import static org.sparktune.trainer.engine.cpu.vector.Vectors.store;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import org.sparktune.trainer.memory.Memory;

/** Loops over the elements of one row. Not safe for several threads: each has its own. */
public final class ElementKernels {
  private final ByteBuffer first = Memory.window();
  private final ByteBuffer second = Memory.window();
  private final ByteBuffer third = Memory.window();
  private final ByteBuffer fourth = Memory.window();

  /** y += x, {@code count} floats each. */
  public void add(long x, long y, int count) {
    ByteBuffer from = Memory.place(first, x);
    ByteBuffer to = Memory.place(second, y);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      store(load(to, i).add(load(from, i)), to, i);
    }
    for (; i < count; i++) {
      put(to, i, get(to, i) + get(from, i));
    }
  }

  /** y = factor · y, {@code count} floats. */
  public void scale(float factor, long y, int count) {
    ByteBuffer to = Memory.place(first, y);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      store(load(to, i).mul(factor), to, i);
    }
    for (; i < count; i++) {
      put(to, i, get(to, i) * factor);
    }
  }

  /**
   * out = x · scale + bias (+ out), {@code count} floats each, every operation rounded by itself.
   *
   * @param bias its address, or 0
   */
  public void scaleAndShift(
      long x, long scale, long bias, long out, boolean accumulate, int count) {
    ByteBuffer from = Memory.place(first, x);
    ByteBuffer factors = Memory.place(second, scale);
    ByteBuffer shifts = Memory.place(third, bias == 0 ? scale : bias);
    ByteBuffer to = Memory.place(fourth, out);
    boolean shifted = bias != 0;
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      FloatVector value = load(from, i).mul(load(factors, i));
      value = shifted ? value.add(load(shifts, i)) : value;
      store(accumulate ? load(to, i).add(value) : value, to, i);
    }
    for (; i < count; i++) {
      float value = get(from, i) * get(factors, i);
      value = shifted ? value + get(shifts, i) : value;
      put(to, i, accumulate ? get(to, i) + value : value);
    }
  }

  /** sums += a · b, {@code count} floats each, every operation rounded by itself. */
  public void addProducts(long a, long b, long sums, int count) {
    ByteBuffer left = Memory.place(first, a);
    ByteBuffer right = Memory.place(second, b);
    ByteBuffer to = Memory.place(third, sums);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      store(load(to, i).add(load(left, i).mul(load(right, i))), to, i);
    }
    for (; i < count; i++) {
      put(to, i, get(to, i) + get(left, i) * get(right, i));
    }
  }

  /**
   * Rounds {@code count} floats to BF16: nearest, ties to even; halves may start where floats do.
   */
  public void toBf16(long floats, long halves, int count) {
    ByteBuffer from = Memory.place(first, floats);
    ByteBuffer to = Memory.place(second, halves);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      Vectors.storeBf16(load(from, i), to, i);
    }
    for (; i < count; i++) {
      Vectors.putBf16(to, i, get(from, i));
    }
  }

  /** Widens {@code count} BF16 numbers. */
  public void fromBf16(long halves, long floats, int count) {
    ByteBuffer from = Memory.place(first, halves);
    ByteBuffer to = Memory.place(second, floats);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      store(Vectors.loadBf16(from, i), to, i);
    }
    for (; i < count; i++) {
      put(to, i, Vectors.getBf16(from, i));
    }
  }

  /**
   * Rotates the two halves of one head.
   *
   * @param x {@code (2·half)} floats
   * @param cos {@code (half)} floats
   * @param sin {@code (half)} floats
   * @param inverse rotate back
   */
  public void rotate(long x, long cos, long sin, int half, boolean inverse) {
    ByteBuffer low = Memory.place(first, x);
    ByteBuffer high = Memory.place(second, x + (long) half * Float.BYTES);
    ByteBuffer c = Memory.place(third, cos);
    ByteBuffer s = Memory.place(fourth, sin);
    float sign = inverse ? -1 : 1;
    int i = 0;
    for (; i <= half - LANES; i += LANES) {
      FloatVector a = load(low, i);
      FloatVector b = load(high, i);
      FloatVector cosine = load(c, i);
      FloatVector sine = load(s, i).mul(sign);
      store(a.mul(cosine).sub(b.mul(sine)), low, i);
      store(b.mul(cosine).add(a.mul(sine)), high, i);
    }
    for (; i < half; i++) {
      float a = get(low, i);
      float b = get(high, i);
      float sine = get(s, i) * sign;
      put(low, i, a * get(c, i) - b * sine);
      put(high, i, b * get(c, i) + a * sine);
    }
  }
}
