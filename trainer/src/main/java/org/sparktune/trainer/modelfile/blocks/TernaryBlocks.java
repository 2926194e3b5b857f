package org.sparktune.trainer.modelfile.blocks;

import static org.sparktune.trainer.modelfile.blocks.BlockBytes.half;
import static org.sparktune.trainer.modelfile.blocks.BlockBytes.unsigned;

/** Decoders of the types whose elements are −1, 0 or 1 times a scale; 256 elements a block. */
final class TernaryBlocks {
  private TernaryBlocks() {}

  /**
   * {@code 32 + 16 bytes of five base-3 digits | 4 bytes of four | d: f16}. A byte is a fraction of
   * 256: multiplied by 3 its next digit moves above the point.
   */
  static void tq10(long block, float[] out, int at) {
    float scale = half(block + 52);
    digits(block, 32, 5, scale, out, at);
    digits(block + 32, 16, 5, scale, out, at + 160);
    digits(block + 48, 4, 4, scale, out, at + 240);
  }

  private static void digits(long bytes, int count, int digits, float scale, float[] out, int at) {
    int power = 1;
    for (int digit = 0; digit < digits; digit++) {
      for (int i = 0; i < count; i++) {
        int fraction = unsigned(bytes + i) * power & 0xFF;
        out[at + digit * count + i] = scale * (((fraction * 3) >>> 8) - 1);
      }
      power *= 3;
    }
  }

  /** {@code 64 bytes of 2-bit codes | d: f16}, value {@code d·(q − 1)}. */
  static void tq20(long block, float[] out, int at) {
    float scale = half(block + 64);
    for (int group = 0; group < 8; group++) {
      long codes = block + group / 4 * 32L;
      int shift = group % 4 * 2;
      for (int i = 0; i < 32; i++) {
        out[at + group * 32 + i] = scale * ((unsigned(codes + i) >>> shift & 3) - 1);
      }
    }
  }
}
