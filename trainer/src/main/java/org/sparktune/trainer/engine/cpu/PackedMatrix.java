package org.sparktune.trainer.engine.cpu;

import java.util.List;
import org.sparktune.trainer.memory.Tensor;

/**
 * The second operand of products in the library's own layout, cut into panels of columns.
 *
 * @param inner rows
 * @param columns columns of all panels
 * @param bf16 whether it is BF16; otherwise F32
 * @param width columns of every panel but the last, which may have fewer
 * @param panels the bytes of each
 */
record PackedMatrix(int inner, int columns, boolean bf16, int width, List<Tensor> panels) {
  private static final int WIDEST = 640;
  private static final int NARROWEST = 384;
  private static final int USUAL_WIDTH = 512;

  /** The library's layouts are made of blocks so wide. */
  private static final int WIDTH_STEP = 64;

  /** A width near 512 that divides the columns if there is one. */
  static int panelWidth(int columns) {
    if (columns <= WIDEST) {
      return columns;
    }
    for (int width = WIDEST; width >= NARROWEST; width -= WIDTH_STEP) {
      if (columns % width == 0) {
        return width;
      }
    }
    return USUAL_WIDTH;
  }

  /** The address of the panel that starts at a column. */
  long address(int column) {
    return panels.get(column / width).address();
  }
}
