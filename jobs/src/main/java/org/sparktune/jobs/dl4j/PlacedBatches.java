package org.sparktune.jobs.dl4j;

import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.function.Function;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Slices;
import scala.Tuple2;

/**
 * Brings every data set to the rank that trains on it. Data sets keep the RDD's order, so a step's
 * batches are the same at any number of ranks, however uneven the RDD's partitions are: data set
 * {@code i} belongs to batch {@code i / dataSetsPerBatch} of the epoch, that to step {@code batch /
 * batchesPerStep}, and a step's batches to the ranks by {@link Slices#leaves}.
 *
 * @param records data sets by their number, sorted, in as many partitions as there are ranks
 * @param dataSets how many there are
 */
record PlacedBatches(JavaPairRDD<Long, byte[]> records, long dataSets) {

  /**
   * Counts the data sets, which computes the RDD once, and plans their way.
   *
   * @throws SparktuneException {@code BAD_DATA} if there are none
   */
  static <T> PlacedBatches of(
      JavaRDD<T> data,
      Function<T, byte[]> encoder,
      int dataSetsPerBatch,
      int batchesPerStep,
      int ranks) {
    List<Long> counts = data.mapPartitionsWithIndex((part, all) -> count(all), true).collect();
    long[] first = new long[counts.size()];
    long total = 0;
    for (int part = 0; part < first.length; part++) {
      first[part] = total;
      total += counts.get(part);
    }
    if (total == 0) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "The RDD to train on has no data sets.",
          "Look at the steps that made it.");
    }
    JavaPairRDD<Long, byte[]> numbered =
        JavaPairRDD.fromJavaRDD(
            data.mapPartitionsWithIndex(
                (part, all) -> new Numbered<>(all, first[part], encoder), true));
    Partitioner places = new ByRank(dataSetsPerBatch, batchesPerStep, ranks);
    return new PlacedBatches(numbered.repartitionAndSortWithinPartitions(places), total);
  }

  private static <T> Iterator<Long> count(Iterator<T> all) {
    long count = 0;
    for (; all.hasNext(); all.next()) {
      count++;
    }
    return List.of(count).iterator();
  }

  /** Data sets with their numbers, encoded one by one. */
  private static final class Numbered<T> implements Iterator<Tuple2<Long, byte[]>> {
    private final Iterator<T> all;
    private final Function<T, byte[]> encoder;
    private long number;

    Numbered(Iterator<T> all, long first, Function<T, byte[]> encoder) {
      this.all = all;
      this.number = first;
      this.encoder = encoder;
    }

    @Override
    public boolean hasNext() {
      return all.hasNext();
    }

    @Override
    public Tuple2<Long, byte[]> next() {
      try {
        return new Tuple2<>(number++, encoder.call(all.next()));
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException("A data set cannot be encoded", e);
      }
    }
  }

  /** Data sets to ranks. */
  private static final class ByRank extends Partitioner {
    private static final long serialVersionUID = 1L;

    private final int dataSetsPerBatch;
    private final int ranks;
    private final int[] rankOfBatch;

    ByRank(int dataSetsPerBatch, int batchesPerStep, int ranks) {
      this.dataSetsPerBatch = dataSetsPerBatch;
      this.ranks = ranks;
      this.rankOfBatch = new int[batchesPerStep];
      for (int rank = 0; rank < ranks; rank++) {
        Slices.Range own = Slices.leaves(rank, ranks, batchesPerStep);
        for (long batch = own.from(); batch < Math.min(own.to(), batchesPerStep); batch++) {
          rankOfBatch[(int) batch] = rank;
        }
      }
    }

    @Override
    public int numPartitions() {
      return ranks;
    }

    @Override
    public int getPartition(Object key) {
      long batch = (Long) key / dataSetsPerBatch;
      return rankOfBatch[(int) (batch % rankOfBatch.length)];
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof ByRank same
          && same.dataSetsPerBatch == dataSetsPerBatch
          && same.ranks == ranks
          && same.rankOfBatch.length == rankOfBatch.length;
    }

    @Override
    public int hashCode() {
      return Objects.hash(dataSetsPerBatch, ranks, rankOfBatch.length);
    }
  }
}
