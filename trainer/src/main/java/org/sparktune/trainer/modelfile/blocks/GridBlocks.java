package org.sparktune.trainer.modelfile.blocks;

import static org.sparktune.trainer.modelfile.blocks.BlockBytes.half;
import static org.sparktune.trainer.modelfile.blocks.BlockBytes.unsigned;
import static org.sparktune.trainer.modelfile.blocks.BlockBytes.unsignedShort;

import org.sparktune.trainer.memory.ElementConversion;
import org.sparktune.trainer.memory.Memory;

/**
 * Decoders of the types whose codes index a grid; 256 elements a block. Magnitudes come from the
 * grid, signs are stored apart: eight bits, or seven where the eighth makes their number even.
 */
final class GridBlocks {
  private static final float DELTA = 0.125f;

  private GridBlocks() {}

  /** {@code d: f16 | 8 × (4 grid indices, 4 × 7 signs, scale: 4 bits)}. */
  static void iq2Xxs(long block, float[] out, int at) {
    float scale = half(block);
    for (int group = 0; group < 8; group++) {
      long indices = block + 2 + group * 8L;
      int signsAndScale = Memory.getInt(indices + 4);
      float d = scale * (0.5f + (signsAndScale >>> 28)) * 0.25f;
      for (int i = 0; i < 4; i++) {
        int signs = evenSigns(signsAndScale >>> (i * 7) & 127);
        points(d, Grids.IQ2_XXS, unsigned(indices + i) * 8, 8, signs, out, at + group * 32 + i * 8);
      }
    }
  }

  /** {@code d: f16 | 32 × (grid index: 9 bits, 7 signs) | 16 × scale: 4 bits}. */
  static void iq2Xs(long block, float[] out, int at) {
    float scale = half(block);
    for (int i = 0; i < 32; i++) {
      int code = unsignedShort(block + 2 + i * 2L);
      int factor = unsigned(block + 66 + i / 4) >>> (i / 2 % 2 * 4) & 15;
      float d = scale * (0.5f + factor) * 0.25f;
      points(d, Grids.IQ2_XS, (code & 511) * 8, 8, evenSigns(code >>> 9), out, at + i * 8);
    }
  }

  /** {@code d: f16 | 32 low index bytes | 32 × 8 signs | 32 × 2 high bits | 16 × scale: 4 bits}. */
  static void iq2S(long block, float[] out, int at) {
    float scale = half(block);
    for (int i = 0; i < 32; i++) {
      int high = unsigned(block + 66 + i / 4) >>> (i % 4 * 2) & 3;
      int index = unsigned(block + 2 + i) | high << 8;
      int factor = unsigned(block + 74 + i / 4) >>> (i / 2 % 2 * 4) & 15;
      float d = scale * (0.5f + factor) * 0.25f;
      points(d, Grids.IQ2_S, index * 8, 8, unsigned(block + 34 + i), out, at + i * 8);
    }
  }

  /** {@code d: f16 | 64 grid indices | 8 × (4 × 7 signs, scale: 4 bits)}. */
  static void iq3Xxs(long block, float[] out, int at) {
    float scale = half(block);
    for (int group = 0; group < 8; group++) {
      int signsAndScale = Memory.getInt(block + 66 + group * 4L);
      float d = scale * (0.5f + (signsAndScale >>> 28)) * 0.5f;
      for (int i = 0; i < 8; i++) {
        int signs = evenSigns(signsAndScale >>> (i / 2 * 7) & 127) >>> (i % 2 * 4);
        int index = unsigned(block + 2 + group * 8L + i);
        points(d, Grids.IQ3_XXS, index * 4, 4, signs, out, at + group * 32 + i * 4);
      }
    }
  }

  /** {@code d: f16 | 64 low index bytes | 64 ninth bits | 32 × 8 signs | 8 × scale: 4 bits}. */
  static void iq3S(long block, float[] out, int at) {
    float scale = half(block);
    for (int i = 0; i < 64; i++) {
      int index = unsigned(block + 2 + i) | (unsigned(block + 66 + i / 8) >>> i % 8 & 1) << 8;
      int factor = unsigned(block + 106 + i / 16) >>> (i / 8 % 2 * 4) & 15;
      int signs = unsigned(block + 74 + i / 2) >>> (i % 2 * 4);
      points(scale * (1 + 2 * factor), Grids.IQ3_S, index * 4, 4, signs, out, at + i * 4);
    }
  }

  /** {@code d: f16 | 32 low index bytes | 8 × (4 × 3 high bits, scale: 3 bits, sign of delta)}. */
  static void iq1S(long block, float[] out, int at) {
    float scale = half(block);
    for (int i = 0; i < 32; i++) {
      int high = unsignedShort(block + 34 + i / 4 * 2L);
      int index = unsigned(block + 2 + i) | (high >>> (i % 4 * 3) & 7) << 8;
      float d = scale * (2 * (high >>> 12 & 7) + 1);
      shifted(d, index, (high & 0x8000) == 0 ? DELTA : -DELTA, out, at + i * 8);
    }
  }

  /**
   * {@code 32 low index bytes | 32 × (3 high bits, sign of delta) | 4 × (4 × scale: 3 bits, a
   * quarter of d's bits)}.
   */
  static void iq1M(long block, float[] out, int at) {
    int scaleBits = 0;
    for (int i = 0; i < 4; i++) {
      scaleBits |= (unsignedShort(block + 48 + i * 2L) >>> 12) << (i * 4);
    }
    float scale = ElementConversion.halfToFloat((short) scaleBits);
    for (int i = 0; i < 32; i++) {
      int high = unsigned(block + 32 + i / 2) >>> (i % 2 * 4) & 15;
      int index = unsigned(block + i) | (high & 7) << 8;
      int factor = unsignedShort(block + 48 + i / 8 * 2L) >>> (i / 2 % 4 * 3) & 7;
      shifted(scale * (2 * factor + 1), index, (high & 8) == 0 ? DELTA : -DELTA, out, at + i * 8);
    }
  }

  private static void shifted(float scale, int index, float delta, float[] out, int at) {
    for (int i = 0; i < 8; i++) {
      out[at + i] = scale * (Grids.IQ1[index * 8 + i] + delta);
    }
  }

  private static void points(
      float scale, byte[] grid, int point, int count, int signs, float[] out, int at) {
    for (int i = 0; i < count; i++) {
      float magnitude = scale * grid[point + i];
      out[at + i] = (signs >>> i & 1) == 0 ? magnitude : -magnitude;
    }
  }

  /** Seven signs and an eighth that makes the number of minus signs even. */
  private static int evenSigns(int seven) {
    return seven | (Integer.bitCount(seven) & 1) << 7;
  }
}
