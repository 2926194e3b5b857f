package org.sparktune.trainer.quantize;

import java.util.Optional;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;
import org.sparktune.trainer.modelfile.blocks.BlockReader;
import org.sparktune.trainer.modelfile.blocks.StoredTensor;

/**
 * GGML's blocks, row after row in Hugging Face's order.
 *
 * @param type of the blocks
 * @param blocks {@code (rows, bytes of a row)} I8
 * @param columns a multiple of a block's elements
 */
public record BlockMatrix(GgmlType type, Tensor blocks, long columns) implements QuantizedMatrix {
  /** Elements decoded at a time: a multiple of every block size that stays in the cache. */
  private static final int CHUNK = 4096;

  /** Whether a type packs several elements into a block. */
  public static boolean isBlockType(GgmlType type) {
    return type.blockElements() > 1 && BlockReader.canDecode(type);
  }

  /**
   * A tensor's blocks as the file has them.
   *
   * @return empty if the file stores it in full
   * @throws org.sparktune.core.SparktuneException {@code BAD_FILE} if a value is NaN or infinite
   */
  public static Optional<QuantizedMatrix> of(StoredTensor stored, TensorArena arena) {
    boolean blocks = isBlockType(stored.type()) && stored.shape().length == 2;
    if (!blocks || stored.columns() % stored.type().blockElements() != 0) {
      return Optional.empty();
    }
    stored.requireFinite();
    long rowBytes = stored.type().bytes(stored.columns());
    Tensor bytes = arena.allocate(DType.I8, stored.shape()[0], rowBytes);
    stored.copyRows(bytes.address());
    return Optional.of(new BlockMatrix(stored.type(), bytes, stored.columns()));
  }

  @Override
  public long rows() {
    return blocks.rows();
  }

  @Override
  public long bytes() {
    return blocks.byteSize();
  }

  @Override
  public void decode(long first, Tensor destination) {
    DecodedRun.requireRows(this, first, destination);
    float[] values = new float[(int) Math.min(CHUNK, destination.size())];
    // Rows lie one behind the other and are whole blocks: their ends need no care.
    long start = blocks.rowAddress(first);
    for (long done = 0; done < destination.size(); done += values.length) {
      int count = (int) Math.min(values.length, destination.size() - done);
      BlockReader.decode(type, start + type.bytes(done), count, values);
      DecodedRun.store(values, count, destination, done);
    }
  }

  @Override
  public BlockMatrix copy(TensorArena arena) {
    Tensor copy = arena.allocate(DType.I8, blocks.shape());
    copy.copyFrom(blocks);
    return new BlockMatrix(type, copy, columns);
  }
}
