package org.sparktune.trainer.memory;

/** Converts runs of numbers between element types, off-heap to off-heap. */
public final class ElementConversion {
  private static final int HALF_EXPONENT = 0x7c00;
  private static final int HALF_FRACTION = 0x3ff;

  private ElementConversion() {}

  /**
   * Converts elements.
   *
   * @param from F32, BF16 or F16
   * @param to F32 or BF16; BF16 is rounded to nearest even
   * @return whether every element is finite
   */
  public static boolean convert(DType from, long source, DType to, long destination, long count) {
    return switch (from) {
      case F32 ->
          to == DType.F32
              ? copyFloats(source, destination, count)
              : narrow(source, destination, count);
      case BF16 ->
          to == DType.BF16
              ? copyBfloats(source, destination, count)
              : widen(source, destination, count);
      case F16 -> fromHalves(source, to, destination, count);
      case I32, I8 -> throw new IllegalArgumentException(from + " holds no floating-point numbers");
    };
  }

  /** Whether an F32, BF16 or F16 run is free of NaN and infinity. */
  public static boolean allFinite(DType type, long address, long count) {
    int bad = 0;
    switch (type) {
      case F32 -> {
        for (long i = 0; i < count; i++) {
          bad |= isSpecial(Memory.getInt(address + (i << 2)) >>> 16);
        }
      }
      case BF16 -> {
        for (long i = 0; i < count; i++) {
          bad |= isSpecial(Memory.getShort(address + (i << 1)));
        }
      }
      case F16 -> {
        for (long i = 0; i < count; i++) {
          bad |= (Memory.getShort(address + (i << 1)) & HALF_EXPONENT) == HALF_EXPONENT ? 1 : 0;
        }
      }
      case I32, I8 -> throw new IllegalArgumentException(type + " holds no floating-point numbers");
    }
    return bad == 0;
  }

  /** The float of an IEEE 754 half-precision number's bits. */
  public static float halfToFloat(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = bits & HALF_EXPONENT;
    int fraction = bits & HALF_FRACTION;
    if (exponent == HALF_EXPONENT) {
      return Float.intBitsToFloat(sign | 0x7f800000 | fraction << 13);
    }
    if (exponent == 0) {
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    return Float.intBitsToFloat(sign | (exponent + 0x1c000) << 13 | fraction << 13);
  }

  /** A float's nearest half-precision number, ties to even; too large ones become infinity. */
  public static short floatToHalf(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return (short) (sign | 0x7e00);
    }
    if (magnitude >= 0x47800000) {
      return (short) (sign | HALF_EXPONENT);
    }
    if (magnitude < 0x38800000) {
      // Adding 0.5 aligns the half's subnormal grid with the float's last bit, which rounds ties to
      // even.
      int aligned = Float.floatToRawIntBits(Float.intBitsToFloat(magnitude) + 0.5f);
      return (short) (sign | (aligned - 0x3f000000));
    }
    int rounded = magnitude + 0xfff + (magnitude >>> 13 & 1);
    return (short) (sign | ((rounded - 0x38000000) >>> 13));
  }

  /** The float of a bfloat16 number's bits. */
  public static float bfloatToFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** A float's nearest bfloat16 number, ties to even; NaN stays NaN. */
  public static short floatToBfloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    if ((bits & 0x7fffffff) > 0x7f800000) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  private static int isSpecial(int upperHalf) {
    return (upperHalf & 0x7f80) == 0x7f80 ? 1 : 0;
  }

  private static boolean copyFloats(long source, long destination, long count) {
    Memory.copy(source, destination, count << 2);
    return allFinite(DType.F32, destination, count);
  }

  private static boolean copyBfloats(long source, long destination, long count) {
    Memory.copy(source, destination, count << 1);
    return allFinite(DType.BF16, destination, count);
  }

  private static boolean widen(long source, long destination, long count) {
    int bad = 0;
    for (long i = 0; i < count; i++) {
      int bits = Memory.getShort(source + (i << 1)) << 16;
      bad |= isSpecial(bits >>> 16);
      Memory.putInt(destination + (i << 2), bits);
    }
    return bad == 0;
  }

  private static boolean narrow(long source, long destination, long count) {
    int bad = 0;
    for (long i = 0; i < count; i++) {
      short bits = floatToBfloat(Memory.getFloat(source + (i << 2)));
      bad |= isSpecial(bits);
      Memory.putShort(destination + (i << 1), bits);
    }
    return bad == 0;
  }

  private static boolean fromHalves(long source, DType to, long destination, long count) {
    int bad = 0;
    for (long i = 0; i < count; i++) {
      float value = halfToFloat(Memory.getShort(source + (i << 1)));
      bad |= isSpecial(Float.floatToRawIntBits(value) >>> 16);
      if (to == DType.F32) {
        Memory.putFloat(destination + (i << 2), value);
      } else {
        Memory.putShort(destination + (i << 1), floatToBfloat(value));
      }
    }
    return bad == 0;
  }
}
