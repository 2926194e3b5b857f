package org.sparktune.trainer.modelfile.blocks;

import static org.sparktune.trainer.modelfile.blocks.BlockBytes.half;
import static org.sparktune.trainer.modelfile.blocks.BlockBytes.unsigned;

import org.sparktune.trainer.memory.Memory;

/**
 * Decoders of the types with 32 elements a block. Element i of the first half is in the low nibble
 * of byte i, element i of the second half in its high nibble.
 */
final class SmallBlocks {
  private static final int HALF = 16;
  private static final int ELEMENTS = 32;

  /** The values of IQ4_NL's and IQ4_XS's sixteen codes. */
  static final byte[] IQ4_VALUES = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  /** The values of E2M1's sixteen codes, doubled. */
  private static final byte[] E2M1_VALUES = {
    0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12
  };

  private SmallBlocks() {}

  /** {@code d: f16 | 16 bytes of nibbles}, value {@code d·(q − 8)}. */
  static void q40(long block, float[] out, int at) {
    float scale = half(block);
    for (int i = 0; i < HALF; i++) {
      int pair = unsigned(block + 2 + i);
      out[at + i] = scale * ((pair & 15) - 8);
      out[at + HALF + i] = scale * ((pair >>> 4) - 8);
    }
  }

  /** {@code d, m: f16 | 16 bytes of nibbles}, value {@code d·q + m}. */
  static void q41(long block, float[] out, int at) {
    float scale = half(block);
    float minimum = half(block + 2);
    for (int i = 0; i < HALF; i++) {
      int pair = unsigned(block + 4 + i);
      out[at + i] = scale * (pair & 15) + minimum;
      out[at + HALF + i] = scale * (pair >>> 4) + minimum;
    }
  }

  /** {@code d: f16 | 32 fifth bits | 16 bytes of nibbles}, value {@code d·(q − 16)}. */
  static void q50(long block, float[] out, int at) {
    float scale = half(block);
    int fifthBits = Memory.getInt(block + 2);
    for (int i = 0; i < HALF; i++) {
      int pair = unsigned(block + 6 + i);
      out[at + i] = scale * (((pair & 15) | (fifthBits >>> i & 1) << 4) - 16);
      out[at + HALF + i] = scale * ((pair >>> 4 | (fifthBits >>> (HALF + i) & 1) << 4) - 16);
    }
  }

  /** {@code d, m: f16 | 32 fifth bits | 16 bytes of nibbles}, value {@code d·q + m}. */
  static void q51(long block, float[] out, int at) {
    float scale = half(block);
    float minimum = half(block + 2);
    int fifthBits = Memory.getInt(block + 4);
    for (int i = 0; i < HALF; i++) {
      int pair = unsigned(block + 8 + i);
      out[at + i] = scale * ((pair & 15) | (fifthBits >>> i & 1) << 4) + minimum;
      out[at + HALF + i] = scale * (pair >>> 4 | (fifthBits >>> (HALF + i) & 1) << 4) + minimum;
    }
  }

  /** {@code d: f16 | 32 signed bytes}, value {@code d·q}. */
  static void q80(long block, float[] out, int at) {
    float scale = half(block);
    for (int i = 0; i < ELEMENTS; i++) {
      out[at + i] = scale * Memory.getByte(block + 2 + i);
    }
  }

  /** {@code d: f16 | 16 bytes of nibbles}, value {@code d·table[q]}. */
  static void iq4Nl(long block, float[] out, int at) {
    fromTable(half(block), IQ4_VALUES, block + 2, out, at);
  }

  /** {@code e: E8M0 | 16 bytes of nibbles}, value {@code 2^(e − 128)·table[q]}. */
  static void mxfp4(long block, float[] out, int at) {
    int exponent = unsigned(block);
    int bits = exponent < 2 ? 0x00200000 << exponent : (exponent - 1) << 23;
    fromTable(Float.intBitsToFloat(bits), E2M1_VALUES, block + 1, out, at);
  }

  /** Sixteen bytes of nibbles that index a table. */
  static void fromTable(float scale, byte[] table, long nibbles, float[] out, int at) {
    for (int i = 0; i < HALF; i++) {
      int pair = unsigned(nibbles + i);
      out[at + i] = scale * table[pair & 15];
      out[at + HALF + i] = scale * table[pair >>> 4];
    }
  }
}
