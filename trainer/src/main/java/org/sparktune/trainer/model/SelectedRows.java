package org.sparktune.trainer.model;

import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * The positions that carry loss, gathered so that the final norm and the head see no others. M is
 * their number; memory grows to the largest M seen.
 */
final class SelectedRows implements AutoCloseable {
  private final Engine engine;
  private final int hiddenSize;
  private final ElementTypes types;
  private TensorArena arena;
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

  /** {@code (C)}: a factor for every column. */
  private Tensor factors;

  SelectedRows(int hiddenSize, Engine engine) {
    this(hiddenSize, engine, ElementTypes.of(engine));
  }

  private SelectedRows(int hiddenSize, Engine engine, ElementTypes types) {
    this.hiddenSize = hiddenSize;
    this.engine = engine;
    this.types = types;
  }

  /** The bytes for M rows. */
  static long bytes(int hiddenSize, int count, ElementTypes types) {
    Carver carver = Carver.measuring(types);
    new SelectedRows(hiddenSize, null, types).cut(carver, count);
    return carver.used();
  }

  /** Selects the positions of a batch that have a target. */
  void select(Batch batch) {
    resize(batch.validTokens());
    // Engines may keep copies of index arrays: each selection has its own.
    rows = new int[count()];
    targets = new int[count()];
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

  /** Says where the selected positions lie among the rows of a pass. */
  void place(int[] places) {
    int[] placed = new int[rows.length];
    for (int i = 0; i < placed.length; i++) {
      placed[i] = places[rows[i]];
    }
    rows = placed;
  }

  /** Selects given positions; there are no targets. */
  void select(int[] positions) {
    resize(positions.length);
    rows = positions.clone();
  }

  private void resize(int count) {
    if (cut && count == rows.length) {
      return;
    }
    long needed = bytes(hiddenSize, count, types);
    if (block == null || block.byteSize() < needed) {
      close();
      arena = engine.arena("%,d selected rows".formatted(count));
      block = arena.allocate(DType.I8, needed);
    }
    rows = new int[count];
    targets = new int[count];
    cut(Carver.of(block, types), count);
  }

  private void cut(Carver carver, int count) {
    input = carver.takeActivation(count, hiddenSize);
    normed = carver.takeActivation(count, hiddenSize);
    inverseRms = carver.take(count);
    dNormed = carver.takeActivation(count, hiddenSize);
    dInput = carver.takeActivation(count, hiddenSize);
    logProbs = carver.take(count);
    dLogProbs = carver.take(count);
    logSumExp = carver.take(count);
    factors = carver.take(hiddenSize);
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

  /** Multiplies {@link #normed}: the logits of a temperature are those of scaled rows. */
  void scaleNormed(float factor) {
    scale(normed, factor);
  }

  /** Multiplies {@link #dNormed}. */
  void scaleNormedGradient(float factor) {
    scale(dNormed, factor);
  }

  private void scale(Tensor rows, float factor) {
    engine.fill(factors, factor);
    engine.scaleColumns(rows, factors, null, rows, false);
  }

  /** Copies the selected rows of {@code (N, C)} to {@link #input}. */
  void gather(Tensor hidden) {
    engine.gatherRows(hidden, rows, input);
  }

  /** Copies {@link #dInput} to the selected rows of {@code (N, C)} and zero to the others. */
  void scatterGradient(Tensor dHidden) {
    engine.scatterRows(dInput, rows, dHidden);
  }

  long allocatedBytes() {
    return arena == null ? 0 : arena.allocatedBytes();
  }

  @Override
  public void close() {
    if (arena != null) {
      arena.close();
    }
  }
}
