package org.sparktune.trainer.modelfile.blocks;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * The point sets ("grids") that GGML's IQ types index: each code stands for 4 or 8 elements at
 * once. The resource {@code grids.bin} holds, one grid after another in the order of the constants
 * below, an index into a short list of values for each element, lowest bits first: 2 bits each
 * where a point has 8 elements, 4 bits each where it has 4.
 */
final class Grids {
  private static final String RESOURCE = "grids.bin";
  private static final byte[] PACKED = packed();
  private static final byte[] TWO_BIT_MAGNITUDES = {0x08, 0x19, 0x2b};

  /** 256 points of 8 elements. */
  static final byte[] IQ2_XXS = eights(0, 256, TWO_BIT_MAGNITUDES);

  /** 512 points of 8 elements. */
  static final byte[] IQ2_XS = eights(512, 512, TWO_BIT_MAGNITUDES);

  /** 1024 points of 8 elements. */
  static final byte[] IQ2_S = eights(1536, 1024, TWO_BIT_MAGNITUDES);

  /** 2048 points of 8 elements. */
  static final byte[] IQ1 = eights(3584, 2048, new byte[] {-1, 0, 1});

  /** 256 points of 4 elements. */
  static final byte[] IQ3_XXS =
      fours(7680, 256, new byte[] {0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3e});

  /** 512 points of 4 elements. */
  static final byte[] IQ3_S =
      fours(8192, 512, new byte[] {0x01, 0x03, 0x05, 0x07, 0x09, 0x0b, 0x0d, 0x0f});

  private Grids() {}

  private static byte[] eights(int offset, int points, byte[] values) {
    byte[] grid = new byte[points * 8];
    for (int i = 0; i < grid.length; i++) {
      grid[i] = values[PACKED[offset + i / 4] >>> (i % 4 * 2) & 3];
    }
    return grid;
  }

  private static byte[] fours(int offset, int points, byte[] values) {
    byte[] grid = new byte[points * 4];
    for (int i = 0; i < grid.length; i++) {
      grid[i] = values[PACKED[offset + i / 2] >>> (i % 2 * 4) & 15];
    }
    return grid;
  }

  private static byte[] packed() {
    try (InputStream in = Grids.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException("The resource " + RESOURCE + " is missing");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
