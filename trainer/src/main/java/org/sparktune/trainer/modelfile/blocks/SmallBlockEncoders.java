package org.sparktune.trainer.modelfile.blocks;

import org.sparktune.trainer.memory.ElementConversion;
import org.sparktune.trainer.memory.Memory;

/**
 * Encoders of the types with 32 elements a block, by GGML's reference algorithms: one scale from
 * the block's extremes, each element rounded by itself. Layouts are those of {@link SmallBlocks}.
 */
final class SmallBlockEncoders {
  private static final int HALF = 16;
  private static final int ELEMENTS = 32;

  private SmallBlockEncoders() {}

  /** The largest magnitude becomes −8. */
  static void q40(float[] values, int from, long block) {
    float scale = largestMagnitude(values, from) / -8;
    float inverse = inverse(scale);
    putHalf(block, scale);
    for (int i = 0; i < HALF; i++) {
      int low = centred(values[from + i], inverse, 8.5f, 15);
      int high = centred(values[from + HALF + i], inverse, 8.5f, 15);
      Memory.putByte(block + 2 + i, (byte) (low | high << 4));
    }
  }

  /** The smallest value becomes 0 and the largest 15. */
  static void q41(float[] values, int from, long block) {
    float minimum = minimum(values, from);
    float scale = (maximum(values, from) - minimum) / 15;
    float inverse = inverse(scale);
    putHalf(block, scale);
    putHalf(block + 2, minimum);
    for (int i = 0; i < HALF; i++) {
      int low = centred(values[from + i] - minimum, inverse, 0.5f, 15);
      int high = centred(values[from + HALF + i] - minimum, inverse, 0.5f, 15);
      Memory.putByte(block + 4 + i, (byte) (low | high << 4));
    }
  }

  /** The largest magnitude becomes −16. */
  static void q50(float[] values, int from, long block) {
    float scale = largestMagnitude(values, from) / -16;
    putHalf(block, scale);
    fiveBits(values, from, 0, inverse(scale), 16.5f, block + 2);
  }

  /** The smallest value becomes 0 and the largest 31. */
  static void q51(float[] values, int from, long block) {
    float minimum = minimum(values, from);
    float scale = (maximum(values, from) - minimum) / 31;
    putHalf(block, scale);
    putHalf(block + 2, minimum);
    fiveBits(values, from, minimum, inverse(scale), 0.5f, block + 4);
  }

  /** The largest magnitude becomes 127; halves are rounded away from zero. */
  static void q80(float[] values, int from, long block) {
    float scale = Math.abs(largestMagnitude(values, from)) / 127;
    float inverse = inverse(scale);
    putHalf(block, scale);
    for (int i = 0; i < ELEMENTS; i++) {
      float value = values[from + i] * inverse;
      float magnitude = Math.abs(value);
      int whole = (int) magnitude;
      int rounded = whole + (int) (2 * (magnitude - whole));
      Memory.putByte(block + 2 + i, (byte) (value < 0 ? -rounded : rounded));
    }
  }

  private static void fiveBits(
      float[] values, int from, float minimum, float inverse, float shift, long bits) {
    int fifthBits = 0;
    for (int i = 0; i < HALF; i++) {
      int low = centred(values[from + i] - minimum, inverse, shift, 31);
      int high = centred(values[from + HALF + i] - minimum, inverse, shift, 31);
      fifthBits |= low >>> 4 << i | high >>> 4 << (HALF + i);
      Memory.putByte(bits + 4 + i, (byte) ((low & 15) | high << 4));
    }
    Memory.putInt(bits, fifthBits);
  }

  private static int centred(float value, float inverse, float shift, int largest) {
    return Math.min(largest, Math.max(0, (int) (value * inverse + shift)));
  }

  private static float inverse(float scale) {
    return scale == 0 ? 0 : 1 / scale;
  }

  /** The first of the values whose magnitude is largest, with its sign. */
  private static float largestMagnitude(float[] values, int from) {
    float largest = values[from];
    for (int i = 1; i < ELEMENTS; i++) {
      if (Math.abs(values[from + i]) > Math.abs(largest)) {
        largest = values[from + i];
      }
    }
    return largest;
  }

  private static float minimum(float[] values, int from) {
    float minimum = values[from];
    for (int i = 1; i < ELEMENTS; i++) {
      minimum = Math.min(minimum, values[from + i]);
    }
    return minimum;
  }

  private static float maximum(float[] values, int from) {
    float maximum = values[from];
    for (int i = 1; i < ELEMENTS; i++) {
      maximum = Math.max(maximum, values[from + i]);
    }
    return maximum;
  }

  private static void putHalf(long address, float value) {
    Memory.putShort(address, ElementConversion.floatToHalf(value));
  }
}
