package org.sparktune.trainer.quantize;

/**
 * The 8-bit floating-point code E4M3 (Micikevicius et al. 2022, "FP8 formats for deep learning"): a
 * sign, 4 bits of exponent with bias 7, 3 bits of mantissa; no infinities, 448 is the largest.
 */
public final class Fp8 {
  /** How many codes there are. */
  public static final int CODES = 256;

  /** The largest value. */
  static final float LARGEST = 448;

  private static final int LARGEST_CODE = 0x7e;
  private static final float SMALLEST_NORMAL = 0x1p-6f;
  private static final float[] VALUES = values();

  private Fp8() {}

  /** The value of a code; that of NaN's codes is NaN. */
  public static float value(int code) {
    return VALUES[code & 0xff];
  }

  /** The code nearest to a finite value, ties to even; beyond 448 that of 448. */
  static int code(float value) {
    int sign = Float.floatToRawIntBits(value) >>> 24 & 0x80;
    float magnitude = Math.abs(value);
    if (magnitude >= LARGEST) {
      return sign | LARGEST_CODE;
    }
    if (magnitude < SMALLEST_NORMAL) {
      // Multiples of 2^-9; eight of them are the smallest normal number, whose code follows.
      return sign | (int) Math.rint(magnitude * 0x1p9);
    }
    int bits = Float.floatToRawIntBits(magnitude);
    int rounded = bits + 0x7ffff + (bits >>> 20 & 1);
    return sign | Math.min(LARGEST_CODE, (rounded >>> 20) - (120 << 3));
  }

  private static float[] values() {
    float[] values = new float[CODES];
    for (int code = 0; code < values.length; code++) {
      int exponent = code >>> 3 & 15;
      int mantissa = code & 7;
      double magnitude =
          exponent == 0 ? mantissa * 0x1p-9 : Math.scalb(1 + mantissa / 8.0, exponent - 7);
      boolean number = (code & 0x7f) != 0x7f;
      values[code] = number ? (float) (code < 128 ? magnitude : -magnitude) : Float.NaN;
    }
    return values;
  }
}
