package org.sparktune.jobs.dl4j;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import scala.Tuple2;

/** A rank's data sets, in order, as the batches of steps. */
final class RankBatches {
  private final Iterator<Tuple2<Long, byte[]>> records;
  private final BatchDecoder decoder;
  private final int dataSetsPerBatch;
  private Tuple2<Long, byte[]> next;

  RankBatches(Iterator<Tuple2<Long, byte[]>> records, BatchDecoder decoder, int dataSetsPerBatch) {
    this.records = records;
    this.decoder = decoder;
    this.dataSetsPerBatch = dataSetsPerBatch;
    advance();
  }

  /**
   * A batch of the epoch; to be asked for in ascending order.
   *
   * @return null if the data ends before it
   */
  MultiDataSet get(long batch) {
    List<MultiDataSet> parts = new ArrayList<>();
    while (next != null && next._1() / dataSetsPerBatch == batch) {
      parts.add(decoder.decode(next._2()));
      advance();
    }
    if (parts.isEmpty()) {
      return null;
    }
    return parts.size() == 1 ? parts.get(0) : org.nd4j.linalg.dataset.MultiDataSet.merge(parts);
  }

  private void advance() {
    next = records.hasNext() ? records.next() : null;
  }
}
