package org.sparktune.trainer.modelfile.blocks;

/**
 * Where a file keeps the rows of a matrix. GGUF files of the llama architecture keep the two halves
 * of a head's rows interleaved, since GGML rotates neighbouring elements where Hugging Face rotates
 * halves.
 *
 * @param headSize rows of a head, or 0 when rows are in Hugging Face's order
 */
public record RowOrder(int headSize) {
  /** Rows as Hugging Face has them. */
  public static final RowOrder PLAIN = new RowOrder(0);

  /** Checks that a head has two halves. */
  public RowOrder {
    if (headSize < 0 || headSize % 2 != 0) {
      throw new IllegalArgumentException("A head of " + headSize + " rows has no two halves");
    }
  }

  /** Whether the file's order is Hugging Face's. */
  public boolean isPlain() {
    return headSize == 0;
  }

  /** The file's row that holds one of Hugging Face's rows. */
  public long stored(long row) {
    if (headSize == 0) {
      return row;
    }
    long inHead = row % headSize;
    int half = headSize / 2;
    return row - inHead + (inHead < half ? 2 * inHead : 2 * (inHead - half) + 1);
  }

  /** Hugging Face's row that one of the file's rows holds. */
  public long original(long storedRow) {
    if (headSize == 0) {
      return storedRow;
    }
    long inHead = storedRow % headSize;
    return storedRow - inHead + inHead / 2 + (inHead % 2) * (headSize / 2);
  }
}
