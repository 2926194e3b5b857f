package org.sparktune.trainer.engine.cpu;

/** Runs row-by-row loops on the workers, in pieces large enough to be worth handing over. */
final class Rows {
  private static final int ELEMENTS_PER_TASK = 32 * 1024;

  /** Works on rows {@code from} (inclusive) to {@code to} (exclusive). */
  interface RowTask {
    void run(int from, int to, Worker worker);
  }

  private final Workers workers;

  Rows(Workers workers) {
    this.workers = workers;
  }

  /** Runs a loop whose rows do not depend on each other. */
  void run(long rows, long elementsPerRow, RowTask task) {
    int count = Math.toIntExact(rows);
    int piece = (int) Math.max(1, ELEMENTS_PER_TASK / Math.max(1, elementsPerRow));
    runInPieces(count, piece, (index, from, to, worker) -> task.run(from, to, worker));
  }

  /** Works on one piece and knows its index. */
  interface PieceTask {
    void run(int index, int from, int to, Worker worker);
  }

  /** Runs a loop in pieces of a given number of rows. */
  void runInPieces(int rows, int piece, PieceTask task) {
    int pieces = (rows + piece - 1) / piece;
    if (pieces > 0) {
      workers.run(
          pieces,
          (index, worker) ->
              task.run(index, index * piece, Math.min(rows, (index + 1) * piece), worker));
    }
  }
}
