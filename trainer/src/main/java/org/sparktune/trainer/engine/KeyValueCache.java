package org.sparktune.trainer.engine;

import org.sparktune.trainer.memory.Tensor;

/**
 * The keys and values of sequences that are being continued, in an engine's own layout. N is the
 * number of new tokens of all sequences of a pass, H query heads and K key/value heads have D
 * elements each.
 */
public interface KeyValueCache extends AutoCloseable {

  /**
   * Which rows of a pass belong to which sequences.
   *
   * @param sequences S indexes of the cache's sequences, in the order of their rows; others have no
   *     part in the pass
   * @param starts S + 1 indexes of each one's first row, the last being N
   */
  record Rows(int[] sequences, int[] starts) {
    /** How many rows a sequence has; {@code index} counts the pass's sequences. */
    public int count(int index) {
      return starts[index + 1] - starts[index];
    }
  }

  /** Tokens of a sequence that all blocks have cached. */
  int length(int sequence);

  /**
   * Appends a block's new keys and values and lets every new token read those of its sequence up to
   * itself.
   *
   * @param layer the block's index
   * @param q {@code (N, H·D)}
   * @param k {@code (N, K·D)}
   * @param v {@code (N, K·D)}
   * @param out {@code (N, H·D)}
   */
  void attend(int layer, Rows rows, Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out);

  /** Says that all blocks have appended a pass's rows: the sequences are longer by them. */
  void grow(Rows rows);

  /** Releases its memory. */
  @Override
  void close();
}
