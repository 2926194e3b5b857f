package org.sparktune.pipeline.prepare;

import org.apache.spark.Partitioner;

/** Sends a document to the part that its key names. */
final class PartPartitioner extends Partitioner {
  private static final long serialVersionUID = 1L;

  private final int partitions;

  PartPartitioner(int partitions) {
    this.partitions = partitions;
  }

  @Override
  public int numPartitions() {
    return partitions;
  }

  @Override
  public int getPartition(Object key) {
    return ((DocumentKey) key).part();
  }
}
