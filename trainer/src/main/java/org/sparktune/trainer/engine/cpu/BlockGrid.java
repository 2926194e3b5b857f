package org.sparktune.trainer.engine.cpu;

/**
 * How the result of a product is cut into blocks for the workers. The cut depends on the sizes
 * alone, so the bits do not depend on the number of threads; it also keeps the number of different
 * block shapes small, because the library generates code for each.
 *
 * @param totalRows rows of the result
 * @param totalColumns columns of the result
 * @param height rows of a full block
 * @param width columns of a full panel
 */
record BlockGrid(int totalRows, int totalColumns, int height, int width) {
  private static final int HEIGHT = 256;
  private static final int SMALLEST_SPLIT = 64;
  private static final int ROW_STEP = 32;
  private static final int WIDEST = 640;
  private static final int NARROWEST = 384;
  private static final int USUAL_WIDTH = 512;
  private static final int WIDTH_STEP = 32;

  /** Enough blocks that a few workers finish together. */
  private static final int ENOUGH_BLOCKS = 4;

  private static final int LEAST_WIDTH = 128;
  private static final int LEAST_HEIGHT = 64;

  /** From so many multiplications on a product is cut into enough blocks. */
  private static final long LARGE = 1L << 24;

  /** Chooses the cut of a product. */
  static BlockGrid of(int rows, int columns, int inner) {
    BlockGrid grid = new BlockGrid(rows, columns, HEIGHT, panelWidth(columns));
    if ((long) rows * columns * inner < LARGE) {
      return grid;
    }
    while (grid.count() < ENOUGH_BLOCKS && grid.width > LEAST_WIDTH) {
      int half = (grid.width / 2 + WIDTH_STEP - 1) / WIDTH_STEP * WIDTH_STEP;
      grid = new BlockGrid(rows, columns, HEIGHT, Math.max(LEAST_WIDTH, half));
    }
    if (grid.count() < ENOUGH_BLOCKS && rows > HEIGHT / 2) {
      grid = new BlockGrid(rows, columns, HEIGHT / 2, grid.width);
    }
    return grid;
  }

  /** Chooses the cut of a product whose columns are cut into panels already. */
  static BlockGrid ofPanels(int rows, PackedMatrix matrix) {
    BlockGrid grid = new BlockGrid(rows, matrix.columns(), HEIGHT, matrix.width());
    if ((long) rows * matrix.columns() * matrix.inner() < LARGE) {
      return grid;
    }
    while (grid.count() < ENOUGH_BLOCKS && grid.height > LEAST_HEIGHT) {
      grid = new BlockGrid(rows, matrix.columns(), grid.height / 2, matrix.width());
    }
    return grid;
  }

  /** A width near 512 that divides the columns if there is one. */
  private static int panelWidth(int columns) {
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

  /** How many blocks there are; the blocks of one panel follow each other. */
  int count() {
    return rowBlocks() * panels();
  }

  /** How many panels of columns there are. */
  int panels() {
    return (totalColumns + width - 1) / width;
  }

  /** The panel that a block belongs to. */
  int panel(int index) {
    return index / rowBlocks();
  }

  int row(int index) {
    return firstRow(index % rowBlocks());
  }

  int rows(int index) {
    int block = index % rowBlocks();
    return firstRow(block + 1) - firstRow(block);
  }

  int column(int index) {
    return panel(index) * width;
  }

  int columns(int index) {
    return Math.min(width, totalColumns - column(index));
  }

  /** Full blocks, then the rest: its largest multiple of 32, then what is left of it. */
  private int rowBlocks() {
    int full = totalRows / height;
    if (splitsRest()) {
      return full + 2;
    }
    return totalRows % height > 0 ? full + 1 : full;
  }

  private boolean splitsRest() {
    int rest = totalRows % height;
    return rest >= SMALLEST_SPLIT && rest % ROW_STEP != 0;
  }

  private int firstRow(int block) {
    int full = totalRows / height;
    if (block <= full) {
      return block * height;
    }
    int rest = totalRows % height;
    return splitsRest() && block == full + 1
        ? full * height + rest / ROW_STEP * ROW_STEP
        : totalRows;
  }
}
