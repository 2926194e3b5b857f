package org.sparktune.trainer.engine.cpu.vector;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Loads, stores, conversions and the functions that the kernels share. */
final class Vectors {
  static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
  static final int LANES = FLOATS.length();

  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  private static final float LOG2_E = 1.44269504f;
  // ln 2 in two parts, the first with few bits so that k · LN2_HIGH is exact.
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;
  // Adding and subtracting 1.5 · 2^23 rounds to an integer, which then stands in the low bits.
  private static final float ROUND = 12582912f;
  private static final float LOWEST = -87.33654f;
  private static final float HIGHEST = 88.72283f;
  private static final float P5 = 1.9875691500e-4f;
  private static final float P4 = 1.3981999507e-3f;
  private static final float P3 = 8.3334519073e-3f;
  private static final float P2 = 4.1665795894e-2f;
  private static final float P1 = 1.6666665459e-1f;
  private static final float P0 = 0.5f;

  private Vectors() {}

  static FloatVector load(ByteBuffer window, int index) {
    return FloatVector.fromByteBuffer(FLOATS, window, index * Float.BYTES, ORDER);
  }

  static void store(FloatVector vector, ByteBuffer window, int index) {
    vector.intoByteBuffer(window, index * Float.BYTES, ORDER);
  }

  static float get(ByteBuffer window, int index) {
    return window.getFloat(index * Float.BYTES);
  }

  static void put(ByteBuffer window, int index, float value) {
    window.putFloat(index * Float.BYTES, value);
  }

  static FloatVector loadBf16(ByteBuffer window, int index) {
    ShortVector half = ShortVector.fromByteBuffer(SHORTS, window, index * Short.BYTES, ORDER);
    IntVector wide = (IntVector) half.convertShape(VectorOperators.S2I, INTS, 0);
    return wide.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  /** Rounds to the nearest BF16, ties to even; a NaN stays one. */
  static void storeBf16(FloatVector vector, ByteBuffer window, int index) {
    IntVector bits = vector.reinterpretAsInts();
    IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
    IntVector rounded = bits.add(0x7fff).add(odd);
    // Rounding up a NaN's bits could wrap them into a number.
    IntVector kept =
        rounded.blend(bits.or(0x400000), vector.compare(VectorOperators.NE, vector).cast(INTS));
    ShortVector half =
        (ShortVector)
            kept.lanewise(VectorOperators.LSHR, 16).convertShape(VectorOperators.I2S, SHORTS, 0);
    half.intoByteBuffer(window, index * Short.BYTES, ORDER);
  }

  static float getBf16(ByteBuffer window, int index) {
    return Float.intBitsToFloat(window.getShort(index * Short.BYTES) << 16);
  }

  static void putBf16(ByteBuffer window, int index, float value) {
    window.putShort(index * Short.BYTES, toBf16(value));
  }

  static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits | 0x400000) >>> 16);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  /**
   * eˣ within 2 units in the last place (polynomial of Cephes' expf). Results below the smallest
   * normal number are 0, above the largest infinite; a NaN stays one.
   */
  static FloatVector exp(FloatVector x) {
    FloatVector result = expOfNonPositive(x);
    result = result.blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, HIGHEST));
    return result.blend(x, x.compare(VectorOperators.NE, x));
  }

  /**
   * The same for numbers up to 0 that are no NaN, which softmax needs. Kernels are kept this small
   * because the compiler stops inlining vector code, and boxes every vector, at a limit of its own.
   */
  static FloatVector expOfNonPositive(FloatVector x) {
    FloatVector shifted = x.mul(LOG2_E).add(ROUND);
    FloatVector k = shifted.sub(ROUND);
    FloatVector r = k.fma(FloatVector.broadcast(FLOATS, -LN2_HIGH), x);
    r = k.fma(FloatVector.broadcast(FLOATS, -LN2_LOW), r);
    FloatVector p = FloatVector.broadcast(FLOATS, P5);
    p = p.fma(r, FloatVector.broadcast(FLOATS, P4));
    p = p.fma(r, FloatVector.broadcast(FLOATS, P3));
    p = p.fma(r, FloatVector.broadcast(FLOATS, P2));
    p = p.fma(r, FloatVector.broadcast(FLOATS, P1));
    p = p.fma(r, FloatVector.broadcast(FLOATS, P0));
    p = p.fma(r.mul(r), r).add(1f);
    IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
    FloatVector result = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    return result.blend(0f, x.compare(VectorOperators.LT, LOWEST));
  }

  /** The same bits as {@link #exp(FloatVector)} for one number. */
  static float exp(float x) {
    if (!(x >= LOWEST)) {
      return Float.isNaN(x) ? x : 0;
    }
    if (x > HIGHEST) {
      return Float.POSITIVE_INFINITY;
    }
    float shifted = x * LOG2_E + ROUND;
    float k = shifted - ROUND;
    float r = Math.fma(k, -LN2_HIGH, x);
    r = Math.fma(k, -LN2_LOW, r);
    float p = Math.fma(P5, r, P4);
    p = Math.fma(p, r, P3);
    p = Math.fma(p, r, P2);
    p = Math.fma(p, r, P1);
    p = Math.fma(p, r, P0);
    p = Math.fma(p, r * r, r) + 1f;
    return Float.intBitsToFloat(
        Float.floatToRawIntBits(p) + (Float.floatToRawIntBits(shifted) << 23));
  }

  /** The sum of all lanes in a fixed order. */
  static float sum(FloatVector vector, float[] lanes) {
    vector.intoArray(lanes, 0);
    for (int width = LANES / 2; width > 0; width /= 2) {
      for (int i = 0; i < width; i++) {
        lanes[i] += lanes[i + width];
      }
    }
    return lanes[0];
  }

  /** The largest lane. */
  static float max(FloatVector vector, float[] lanes) {
    vector.intoArray(lanes, 0);
    float max = lanes[0];
    for (int i = 1; i < LANES; i++) {
      max = Math.max(max, lanes[i]);
    }
    return max;
  }
}
