package org.sparktune.trainer.modelfile.blocks;

/** Looks for NaN and infinity. */
public final class FiniteCheck {
  private static final int EXPONENT = 0x7F800000;
  private static final int EXPONENT_UNIT = 0x00800000;

  private FiniteCheck() {}

  /** The index of the first value that is not finite, or −1. */
  public static int firstNonFinite(float[] values, int count) {
    // Adding one to an exponent of all ones carries into the sign bit. The loop has no branch, so
    // the compiler vectorizes it.
    int carries = 0;
    for (int i = 0; i < count; i++) {
      carries |= (Float.floatToRawIntBits(values[i]) & EXPONENT) + EXPONENT_UNIT;
    }
    if (carries >= 0) {
      return -1;
    }
    int index = 0;
    while (Float.isFinite(values[index])) {
      index++;
    }
    return index;
  }
}
