package org.sparktune.trainer.model;

import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * Attention inside the documents of a batch. Where documents share rows, queries, keys and values
 * are copied to where each document has all of its own, so that every engine's operator serves; all
 * products, which are most of the work, have seen the shared rows once. N is the number of tokens,
 * R that of rows; memory grows to the largest pass seen, and there is none where nothing is shared.
 */
final class DocumentAttention implements AutoCloseable {
  private final Engine engine;
  private final ElementTypes types;
  private TensorArena arena;
  private Tensor block;

  DocumentAttention(Engine engine) {
    this.engine = engine;
    this.types = ElementTypes.of(engine);
  }

  /** What each document reads: {@code (N, ·)}. */
  private record Expanded(Tensor q, Tensor k, Tensor v, Tensor out, Tensor logSumExp) {}

  /** See {@link Engine#attention}; tensors have R rows. */
  void forward(
      DocumentRows rows,
      AttentionShape shape,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp) {
    if (!rows.isShared()) {
      engine.attention(q, k, v, rows.starts(), shape, out, logSumExp);
      return;
    }
    Carver carver = carver(rows, shape);
    Expanded all = expand(carver, rows, shape, q, k, v);
    Tensor kept = logSumExp == null ? null : all.logSumExp();
    engine.attention(all.q(), all.k(), all.v(), rows.starts(), shape, all.out(), kept);
    engine.gatherRows(all.out(), rows.kept(), out);
    if (logSumExp != null) {
      engine.gatherRows(kept, rows.kept(), logSumExp);
    }
  }

  /** See {@link Engine#attentionGradient}; tensors have R rows. */
  void gradient(
      DocumentRows rows,
      AttentionShape shape,
      Tensor dOut,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    if (!rows.isShared()) {
      engine.attentionGradient(dOut, q, k, v, out, logSumExp, rows.starts(), shape, dq, dk, dv);
      return;
    }
    Carver carver = carver(rows, shape);
    Expanded all = expand(carver, rows, shape, q, k, v);
    engine.gatherRows(out, rows.places(), all.out());
    engine.gatherRows(logSumExp, rows.places(), all.logSumExp());
    int count = rows.places().length;
    Tensor allOut = carver.takeActivation(count, dOut.columns());
    // Copies ask for nothing: what comes of their queries has gone into the row already.
    engine.scatterRows(dOut, rows.kept(), allOut);
    Tensor allQ = carver.takeActivation(count, q.columns());
    Tensor allK = carver.takeActivation(count, k.columns());
    Tensor allV = carver.takeActivation(count, v.columns());
    engine.attentionGradient(
        allOut,
        all.q(),
        all.k(),
        all.v(),
        all.out(),
        all.logSumExp(),
        rows.starts(),
        shape,
        allQ,
        allK,
        allV);
    engine.gatherRows(allQ, rows.kept(), dq);
    sum(carver, rows, allK, dk);
    sum(carver, rows, allV, dv);
  }

  private Expanded expand(
      Carver carver, DocumentRows rows, AttentionShape shape, Tensor q, Tensor k, Tensor v) {
    int count = rows.places().length;
    Expanded all =
        new Expanded(
            carver.takeActivation(count, q.columns()),
            carver.takeActivation(count, k.columns()),
            carver.takeActivation(count, v.columns()),
            carver.takeActivation(count, q.columns()),
            carver.take(count, shape.heads()));
    engine.gatherRows(q, rows.places(), all.q());
    engine.gatherRows(k, rows.places(), all.k());
    engine.gatherRows(v, rows.places(), all.v());
    return all;
  }

  /** Adds what was computed for copies of a row to what was computed for itself. */
  private void sum(Carver carver, DocumentRows rows, Tensor all, Tensor sum) {
    long position = carver.used();
    Tensor own = carver.takeActivation(rows.count(), all.columns());
    Tensor ofCopies = carver.takeActivation(rows.copies().length, all.columns());
    Tensor placed = carver.takeActivation(rows.count(), all.columns());
    engine.gatherRows(all, rows.kept(), own);
    engine.gatherRows(all, rows.copies(), ofCopies);
    engine.scatterRows(ofCopies, rows.placesOfCopies(), placed);
    engine.add(placed, own);
    engine.copy(own, sum);
    carver.rewind(position);
  }

  /** The bytes for documents of so many tokens that share rows. */
  static long bytes(AttentionShape shape, int tokens, ElementTypes types) {
    long queries = (long) shape.heads() * shape.headSize();
    long keys = (long) shape.keyValueHeads() * shape.headSize();
    Carver measured = Carver.measuring(types);
    for (int i = 0; i < 4; i++) { // queries, what they got, and the gradients of both
      measured.takeActivation(tokens, queries);
    }
    for (int i = 0; i < 7; i++) { // keys, values, their gradients, and three sums of fewer rows
      measured.takeActivation(tokens, keys);
    }
    measured.take(tokens, shape.heads());
    return measured.used();
  }

  /** Room for a forward pass or a gradient, whichever needs more. */
  private Carver carver(DocumentRows rows, AttentionShape shape) {
    int count = rows.places().length;
    long needed = bytes(shape, count, types);
    if (block == null || block.byteSize() < needed) {
      close();
      arena = engine.arena("attention of %,d tokens that share rows".formatted(count));
      block = arena.allocate(DType.I8, needed);
    }
    return Carver.of(block, types);
  }

  long allocatedBytes() {
    return arena == null ? 0 : arena.allocatedBytes();
  }

  @Override
  public void close() {
    if (arena != null) {
      arena.close();
      arena = null;
      block = null;
    }
  }
}
