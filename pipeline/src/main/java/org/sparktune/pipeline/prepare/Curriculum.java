package org.sparktune.pipeline.prepare;

import java.io.Serializable;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.storage.StorageLevel;
import org.sparktune.pipeline.sample.Document;
import org.sparktune.pipeline.spec.CurriculumOptions;
import org.sparktune.pipeline.text.Hashes;
import scala.Tuple2;

/**
 * Puts the documents of the training split in the order of a curriculum: parts follow each other,
 * and so do documents in a part. Documents are made once and kept on the executors' disks while
 * they are counted; the counts of all values of a document say to which part each value belongs.
 */
final class Curriculum implements AutoCloseable {
  /** Values are counted by their highest bits. */
  private static final int BINS = 1 << 16;

  private static final int BIN_SHIFT = 16;
  private static final int TREE_DEPTH = 2;
  private static final double UNIT = 0x1.0p-32;

  private final JavaPairRDD<DocumentKey, byte[]> made;
  private final JavaPairRDD<DocumentKey, byte[]> ordered;

  Curriculum(
      JavaPairRDD<DocumentKey, byte[]> documents, CurriculumOptions options, PartLayout layout) {
    made = documents.persist(StorageLevel.DISK_ONLY());
    int trainParts = layout.trainParts();
    long[] counts =
        made.filter(document -> document._1().part() < trainParts)
            .map(document -> value(document._2(), options))
            .treeAggregate(new long[BINS], Curriculum::count, Curriculum::merge, TREE_DEPTH);
    Places places = new Places(options, trainParts, before(counts));
    ordered = made.mapToPair(places::place);
  }

  /** The same documents with their places. */
  JavaPairRDD<DocumentKey, byte[]> documents() {
    return ordered;
  }

  @Override
  public void close() {
    made.unpersist(false);
  }

  /** What a document is ordered by, as an unsigned number. */
  private static int value(byte[] bytes, CurriculumOptions options) {
    Document document = Document.fromBytes(bytes);
    int value =
        switch (options.by()) {
          case LENGTH -> Math.min(document.length(), BINS - 1) << BIN_SHIFT;
          case SCORE -> sortable(document.score());
          case MARGIN -> sortable(document.margin());
          case NOTHING -> throw new IllegalStateException("there is no order");
        };
    return options.descending() ? ~value : value;
  }

  /** Unsigned numbers in the order of the floats. */
  private static int sortable(float value) {
    int bits = Float.floatToIntBits(value + 0f); // −0 equals 0
    return bits < 0 ? ~bits : bits ^ Integer.MIN_VALUE;
  }

  private static long hash(byte[] bytes) {
    long hash = Hashes.START;
    for (byte each : bytes) {
      hash = Hashes.add(hash, each);
    }
    return Hashes.mix(hash);
  }

  private static long[] count(long[] counts, int value) {
    counts[value >>> BIN_SHIFT]++;
    return counts;
  }

  private static long[] merge(long[] counts, long[] others) {
    for (int bin = 0; bin < BINS; bin++) {
      counts[bin] += others[bin];
    }
    return counts;
  }

  /** How many documents come before those of a bin; the last entry counts all. */
  private static long[] before(long[] counts) {
    long[] before = new long[BINS + 1];
    for (int bin = 0; bin < BINS; bin++) {
      before[bin + 1] = before[bin] + counts[bin];
    }
    return before;
  }

  /** Which place a document has; a hash decides among those of a value. */
  private record Places(CurriculumOptions options, int parts, long[] before)
      implements Serializable {

    Tuple2<DocumentKey, byte[]> place(Tuple2<DocumentKey, byte[]> document) {
      DocumentKey key = document._1();
      if (key.part() >= parts) {
        return document;
      }
      int value = value(document._2(), options);
      long hash = hash(document._2()) >>> Integer.SIZE;
      int bin = value >>> BIN_SHIFT;
      double place = before[bin] + hash * UNIT * (before[bin + 1] - before[bin]);
      int part = (int) Math.min(parts - 1, Math.floor(place * parts / before[BINS]));
      long order = Integer.toUnsignedLong(value) << Integer.SIZE | hash;
      return new Tuple2<>(
          new DocumentKey(part, order, key.piece(), key.line(), key.member()), document._2());
    }
  }
}
