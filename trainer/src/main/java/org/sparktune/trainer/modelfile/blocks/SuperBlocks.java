package org.sparktune.trainer.modelfile.blocks;

import static org.sparktune.trainer.modelfile.blocks.BlockBytes.half;
import static org.sparktune.trainer.modelfile.blocks.BlockBytes.unsigned;
import static org.sparktune.trainer.modelfile.blocks.BlockBytes.unsignedShort;

import org.sparktune.trainer.memory.Memory;

/**
 * Decoders of the types with 256 elements a block and a scale of its own for each 16 or 32 of them:
 * the K types and IQ4_XS.
 */
final class SuperBlocks {
  private SuperBlocks() {}

  /**
   * {@code 16 × (scale, minimum): nibbles | 64 bytes of 2-bit codes | d, dmin: f16}, value {@code
   * d·scale·q − dmin·minimum}.
   */
  static void q2K(long block, float[] out, int at) {
    float scale = half(block + 80);
    float minimumScale = half(block + 82);
    for (int group = 0; group < 16; group++) {
      int packed = unsigned(block + group);
      float d = scale * (packed & 15);
      float minimum = minimumScale * (packed >>> 4);
      long codes = twoBitCodes(block + 16, group);
      int shift = twoBitShift(group);
      for (int i = 0; i < 16; i++) {
        out[at + group * 16 + i] = d * (unsigned(codes + i) >>> shift & 3) - minimum;
      }
    }
  }

  /**
   * {@code 32 bytes of third bits | 64 bytes of 2-bit codes | 16 6-bit scales | d: f16}, value
   * {@code d·(scale − 32)·(q − 4)}.
   */
  static void q3K(long block, float[] out, int at) {
    float scale = half(block + 108);
    for (int group = 0; group < 16; group++) {
      int low = unsigned(block + 96 + group % 8) >>> (group / 8 * 4) & 15;
      int high = unsigned(block + 104 + group % 4) >>> (group / 4 * 2) & 3;
      float d = scale * ((low | high << 4) - 32);
      long codes = twoBitCodes(block + 32, group);
      int shift = twoBitShift(group);
      long thirdBits = block + group % 2 * 16L;
      for (int i = 0; i < 16; i++) {
        int thirdBit = unsigned(thirdBits + i) >>> (group / 2) & 1;
        out[at + group * 16 + i] = d * (((unsigned(codes + i) >>> shift & 3) | thirdBit << 2) - 4);
      }
    }
  }

  /** Where the 2-bit codes of a group of 16 are: a run of 32 bytes holds 4 × 32 codes. */
  private static long twoBitCodes(long codes, int group) {
    return codes + group / 8 * 32L + group % 2 * 16L;
  }

  private static int twoBitShift(int group) {
    return group / 2 % 4 * 2;
  }

  /**
   * {@code d, dmin: f16 | 8 × (scale, minimum): 6 bits | 128 bytes of nibbles}, value {@code
   * d·scale·q − dmin·minimum}.
   */
  static void q4K(long block, float[] out, int at) {
    float scale = half(block);
    float minimumScale = half(block + 2);
    for (int group = 0; group < 8; group++) {
      float d = scale * sixBitScale(block + 4, group);
      float minimum = minimumScale * sixBitMinimum(block + 4, group);
      long nibbles = block + 16 + group / 2 * 32L;
      int shift = group % 2 * 4;
      for (int i = 0; i < 32; i++) {
        out[at + group * 32 + i] = d * (unsigned(nibbles + i) >>> shift & 15) - minimum;
      }
    }
  }

  /**
   * {@code d, dmin: f16 | 8 × (scale, minimum): 6 bits | 32 bytes of fifth bits | 128 bytes of
   * nibbles}, value as in Q4_K.
   */
  static void q5K(long block, float[] out, int at) {
    float scale = half(block);
    float minimumScale = half(block + 2);
    for (int group = 0; group < 8; group++) {
      float d = scale * sixBitScale(block + 4, group);
      float minimum = minimumScale * sixBitMinimum(block + 4, group);
      long nibbles = block + 48 + group / 2 * 32L;
      int shift = group % 2 * 4;
      for (int i = 0; i < 32; i++) {
        int fifthBit = unsigned(block + 16 + i) >>> group & 1;
        int code = (unsigned(nibbles + i) >>> shift & 15) | fifthBit << 4;
        out[at + group * 32 + i] = d * code - minimum;
      }
    }
  }

  /** Scales 0–3 are whole bytes' low 6 bits; 4–7 have their low 4 bits in bytes 8–11. */
  private static int sixBitScale(long packed, int group) {
    return group < 4
        ? unsigned(packed + group) & 63
        : (unsigned(packed + 4 + group) & 15) | (unsigned(packed + group - 4) >>> 2 & 0x30);
  }

  private static int sixBitMinimum(long packed, int group) {
    return group < 4
        ? unsigned(packed + 4 + group) & 63
        : unsigned(packed + 4 + group) >>> 4 | (unsigned(packed + group) >>> 2 & 0x30);
  }

  /**
   * {@code 128 bytes of nibbles | 64 bytes of 2 high bits | 16 signed scales | d: f16}, value
   * {@code d·scale·(q − 32)}.
   */
  static void q6K(long block, float[] out, int at) {
    float scale = half(block + 208);
    for (int group = 0; group < 16; group++) {
      float d = scale * Memory.getByte(block + 192 + group);
      int run = group / 8;
      int quarter = group / 2 % 4;
      long nibbles = block + run * 64L + quarter % 2 * 32L + group % 2 * 16L;
      int nibbleShift = quarter / 2 * 4;
      long highBits = block + 128 + run * 32L + group % 2 * 16L;
      for (int i = 0; i < 16; i++) {
        int low = unsigned(nibbles + i) >>> nibbleShift & 15;
        int high = unsigned(highBits + i) >>> (quarter * 2) & 3;
        out[at + group * 16 + i] = d * ((low | high << 4) - 32);
      }
    }
  }

  /**
   * {@code d: f16 | 8 × 2 high bits of the scales | 8 × 4 low bits | 128 bytes of nibbles}, value
   * {@code d·(scale − 32)·table[q]}.
   */
  static void iq4Xs(long block, float[] out, int at) {
    float scale = half(block);
    int highBits = unsignedShort(block + 2);
    for (int group = 0; group < 8; group++) {
      int low = unsigned(block + 4 + group / 2) >>> (group % 2 * 4) & 15;
      float d = scale * ((low | (highBits >>> (group * 2) & 3) << 4) - 32);
      SmallBlocks.fromTable(
          d, SmallBlocks.IQ4_VALUES, block + 8 + group * 16L, out, at + group * 32);
    }
  }
}
