package org.sparktune.pipeline.prepare;

import java.io.Serializable;
import java.util.List;
import org.sparktune.pipeline.sample.ContentHash;
import org.sparktune.pipeline.source.Piece;

/**
 * Which document goes to which part. The number of parts follows from the size of the input, never
 * from the cluster.
 *
 * @param trainParts parts of the training split
 * @param validationParts parts of the validation split, 0 if there is none
 * @param pieces pieces of input
 * @param validationFraction the share of documents held out
 * @param shuffle whether documents are put in random order
 * @param seed of that order
 */
record PartLayout(
    int trainParts,
    int validationParts,
    int pieces,
    double validationFraction,
    boolean shuffle,
    long seed)
    implements Serializable {
  private static final double UNIT = 0x1.0p-53;

  static PartLayout of(List<Piece> pieces, PrepareOptions options, long partBytes) {
    long bytes = 0;
    for (Piece piece : pieces) {
      long length = piece.end() - piece.start();
      bytes += length * (piece.file().estimatedTextBytes() / Math.max(1, piece.file().bytes()));
    }
    double held = options.dataset().validationFraction();
    int train = parts(bytes * (1 - held), partBytes);
    int validation = held == 0 ? 0 : parts(bytes * held, partBytes);
    return new PartLayout(
        train, validation, pieces.size(), held, options.dataset().shuffle(), options.seed());
  }

  private static int parts(double bytes, long partBytes) {
    return (int) Math.max(1, Math.ceil(bytes / partBytes));
  }

  /** All parts, and one that gathers what the tasks counted. */
  int partitions() {
    return trainParts + validationParts + 1;
  }

  int statisticsPartition() {
    return trainParts + validationParts;
  }

  boolean isValidation(int partition) {
    return partition >= trainParts;
  }

  /** The number of a partition's part within its split. */
  int number(int partition) {
    return isValidation(partition) ? partition - trainParts : partition;
  }

  /**
   * The place of a document.
   *
   * @param contentHash equal for equal records, so that duplicates never stand in both splits
   */
  DocumentKey place(long contentHash, int piece, long line) {
    return place(contentHash, contentHash, piece, line);
  }

  /**
   * The place of a document that goes where its family goes: all pairs of a prompt stand in the
   * same split.
   *
   * @param family equal for those that belong together
   * @param contentHash equal for equal records
   */
  DocumentKey place(long family, long contentHash, int piece, long line) {
    boolean held = (family >>> 11) * UNIT < validationFraction;
    int first = held ? trainParts : 0;
    int count = held ? validationParts : trainParts;
    if (!shuffle) {
      return new DocumentKey(first + (int) ((long) piece * count / pieces), 0, piece, line);
    }
    long order = ContentHash.mix(contentHash ^ ContentHash.mix(seed));
    return new DocumentKey(first + (int) (((order >>> 33) * count) >>> 31), order, piece, line);
  }
}
