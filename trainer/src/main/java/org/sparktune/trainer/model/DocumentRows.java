package org.sparktune.trainer.model;

import java.util.Arrays;

/**
 * How the N tokens of a batch's documents lie on the R rows of a pass. Usually each has a row.
 * Where pairs share a prompt, the second document's copy of it has none: what a row computes
 * depends on the tokens up to it alone, so the rows would be equal, but for rounding.
 *
 * @param starts {@code (D + 1)}, of the documents among the N tokens
 * @param tokens {@code (R)} ids
 * @param angles of the R rows
 * @param places {@code (N)}: each token's row; null where that is its own index
 * @param kept {@code (R)}: the first token that has each row; null likewise
 * @param copies tokens that use the row of another, ascending; null likewise
 * @param placesOfCopies the rows that they use; null likewise
 */
record DocumentRows(
    int[] starts,
    int[] tokens,
    RopeTable.Angles angles,
    int[] places,
    int[] kept,
    int[] copies,
    int[] placesOfCopies) {

  /** What copying costs is not worth less than one row in so many. */
  private static final int LEAST_SHARE = 8;

  /** Lays out a batch as the passage says. */
  static DocumentRows of(Batch batch, Passage passage, RopeTable rope) {
    int[] starts = batch.documentStarts();
    RopeTable.Angles angles = rope.ofDocuments(starts);
    // Dropout gives each row a mask of its own.
    return passage.sharesPrompts() && passage.dropout() == 0
        ? shared(batch, starts, angles)
        : plain(batch, starts, angles);
  }

  private static DocumentRows plain(Batch batch, int[] starts, RopeTable.Angles angles) {
    return new DocumentRows(starts, batch.tokens(), angles, null, null, null, null);
  }

  private static DocumentRows shared(Batch batch, int[] starts, RopeTable.Angles angles) {
    int count = batch.tokens().length;
    int[] places = new int[count];
    int[] kept = new int[count];
    int[] copies = new int[count];
    int[] placesOfCopies = new int[count];
    int rows = 0;
    int copied = 0;
    for (int document = 0; document < batch.documents(); document++) {
      int start = starts[document];
      int common = document % 2 == 0 ? 0 : commonRows(batch, angles, starts, document);
      for (int i = start; i < starts[document + 1]; i++) {
        if (i - start < common) {
          places[i] = places[starts[document - 1] + i - start];
          placesOfCopies[copied] = places[i];
          copies[copied++] = i;
        } else {
          places[i] = rows;
          kept[rows++] = i;
        }
      }
    }
    if (copied * (long) LEAST_SHARE < count) {
      return plain(batch, starts, angles);
    }
    int[] tokens = new int[rows];
    int[] angleRows = new int[rows];
    for (int row = 0; row < rows; row++) {
      tokens[row] = batch.tokens()[kept[row]];
      angleRows[row] = angles.rows()[kept[row]];
    }
    return new DocumentRows(
        starts,
        tokens,
        new RopeTable.Angles(angles.cos(), angles.sin(), angleRows),
        places,
        Arrays.copyOf(kept, rows),
        Arrays.copyOf(copies, copied),
        Arrays.copyOf(placesOfCopies, copied));
  }

  /**
   * How many rows a document has in common with the one before it: equal tokens at equal angles,
   * none of them with a target, because a target needs a row of its own.
   */
  private static int commonRows(Batch batch, RopeTable.Angles angles, int[] starts, int document) {
    int before = starts[document - 1];
    int start = starts[document];
    int most = Math.min(start - before, starts[document + 1] - start);
    int common = 0;
    while (common < most
        && batch.tokens()[before + common] == batch.tokens()[start + common]
        && angles.rows()[before + common] == angles.rows()[start + common]
        && batch.targets()[start + common] == Batch.IGNORED) {
      common++;
    }
    return common;
  }

  /** Whether some tokens have no row of their own. */
  boolean isShared() {
    return places != null;
  }

  /** R. */
  int count() {
    return tokens.length;
  }
}
