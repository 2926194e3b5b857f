package org.sparktune.pipeline.prepare;

import java.util.List;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.sparktune.pipeline.deduplicate.Deduplication;
import org.sparktune.pipeline.deduplicate.FingerprintStore;
import org.sparktune.pipeline.deduplicate.RecordId;
import org.sparktune.pipeline.deduplicate.Verdict;
import org.sparktune.pipeline.source.Piece;
import scala.Tuple2;

/**
 * The pass over the input before the one that makes documents: fingerprints of records, and from
 * them the verdicts on duplicates, sorted into the pieces they are about.
 */
final class DuplicateSearch implements AutoCloseable {
  private final FingerprintStore store;
  private final Deduplication deduplication;

  DuplicateSearch(
      SparkSession spark,
      PrepareOptions options,
      JavaRDD<Piece> pieces,
      Broadcast<Curation> curation,
      Broadcast<SerializableConfiguration> configuration) {
    this.store = new FingerprintStore(spark, options.dataset().deduplicate());
    JavaRDD<Row> fingerprints =
        pieces.flatMap(
            piece ->
                new FingerprintTask(
                    piece, options, curation.value(), configuration.value().value()));
    this.deduplication =
        new Deduplication(spark, options.dataset().deduplicate(), fingerprints, store.readKnown());
  }

  /** The verdicts: in partition i those on piece i, sorted by line. */
  JavaPairRDD<Long, Verdict> byPiece(List<Piece> pieces) {
    return deduplication
        .verdicts()
        .mapToPair(verdict -> new Tuple2<>(verdict.id(), verdict))
        .repartitionAndSortWithinPartitions(new PiecePartitioner(pieces.size()));
  }

  /** Writes what later datasets can be held against. */
  void writeFingerprints(String folder, int parts) {
    store.write(deduplication, folder, parts);
  }

  @Override
  public void close() {
    deduplication.close();
  }

  private static final class PiecePartitioner extends Partitioner {
    private static final long serialVersionUID = 1L;

    private final int pieces;

    PiecePartitioner(int pieces) {
      this.pieces = pieces;
    }

    @Override
    public int numPartitions() {
      return pieces;
    }

    @Override
    public int getPartition(Object key) {
      return RecordId.piece((Long) key);
    }
  }
}
