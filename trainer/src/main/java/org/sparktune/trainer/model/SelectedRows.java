package org.sparktune.trainer.model;

import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/**
 * The positions that carry loss, gathered so that the final norm and the head see no others. M is
 * their number; memory grows to the largest M seen.
 */
final class SelectedRows implements AutoCloseable {
  private final int hiddenSize;
  private Arena arena = new Arena("selected rows");
  private Tensor block;
  private int[] rows = new int[0];
  private int[] targets = new int[0];
  private boolean cut;

  /** {@code (M, C)}: rows of the last block's output. */
  private Tensor input;

  private Tensor normed;
  private Tensor inverseRms;
  private Tensor dNormed;
  private Tensor dInput;
  private Tensor logProbs;
  private Tensor dLogProbs;
  private Tensor logSumExp;

  SelectedRows(int hiddenSize) {
    this.hiddenSize = hiddenSize;
  }

  /** The bytes for M rows. */
  static long bytes(int hiddenSize, int count) {
    Carver carver = Carver.measuring();
    new SelectedRows(hiddenSize).cut(carver, count);
    return carver.used();
  }

  /** Selects the positions of a batch that have a target. */
  void select(Batch batch) {
    resize(batch.validTokens());
    int count = 0;
    int[] batchTargets = batch.targets();
    for (int i = 0; i < batchTargets.length; i++) {
      if (batchTargets[i] != Batch.IGNORED) {
        rows[count] = i;
        targets[count] = batchTargets[i];
        count++;
      }
    }
  }

  /** Selects given positions; there are no targets. */
  void select(int[] positions) {
    resize(positions.length);
    System.arraycopy(positions, 0, rows, 0, positions.length);
  }

  private void resize(int count) {
    if (cut && count == rows.length) {
      return;
    }
    long needed = bytes(hiddenSize, count);
    if (block == null || block.byteSize() < needed) {
      arena.close();
      arena = new Arena("%,d selected rows".formatted(count));
      block = arena.allocate(DType.I8, needed);
    }
    rows = new int[count];
    targets = new int[count];
    cut(Carver.of(block), count);
  }

  private void cut(Carver carver, int count) {
    input = carver.take(count, hiddenSize);
    normed = carver.take(count, hiddenSize);
    inverseRms = carver.take(count);
    dNormed = carver.take(count, hiddenSize);
    dInput = carver.take(count, hiddenSize);
    logProbs = carver.take(count);
    dLogProbs = carver.take(count);
    logSumExp = carver.take(count);
    cut = true;
  }

  int count() {
    return rows.length;
  }

  int[] rows() {
    return rows;
  }

  int[] targets() {
    return targets;
  }

  Tensor input() {
    return input;
  }

  Tensor normed() {
    return normed;
  }

  Tensor inverseRms() {
    return inverseRms;
  }

  Tensor dNormed() {
    return dNormed;
  }

  Tensor dInput() {
    return dInput;
  }

  Tensor logProbs() {
    return logProbs;
  }

  Tensor dLogProbs() {
    return dLogProbs;
  }

  Tensor logSumExp() {
    return logSumExp;
  }

  /** Copies the selected rows of {@code (N, C)} to {@link #input}. */
  void gather(Tensor hidden) {
    long bytes = (long) hiddenSize * Float.BYTES;
    for (int i = 0; i < rows.length; i++) {
      Memory.copy(hidden.rowAddress(rows[i]), input.rowAddress(i), bytes);
    }
  }

  /** Copies {@link #dInput} to the selected rows of {@code (N, C)} and zero to the others. */
  void scatterGradient(Tensor dHidden) {
    dHidden.zero();
    long bytes = (long) hiddenSize * Float.BYTES;
    for (int i = 0; i < rows.length; i++) {
      Memory.copy(dInput.rowAddress(i), dHidden.rowAddress(rows[i]), bytes);
    }
  }

  long allocatedBytes() {
    return arena.allocatedBytes();
  }

  @Override
  public void close() {
    arena.close();
  }
}
