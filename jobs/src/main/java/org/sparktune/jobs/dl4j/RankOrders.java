package org.sparktune.jobs.dl4j;

import java.io.Serializable;
import java.util.List;
import org.apache.spark.broadcast.Broadcast;
import org.sparktune.jobs.ranks.RunTicket;

/**
 * What every rank needs to know for an epoch.
 *
 * @param ticket of the run
 * @param network a {@link NetworkImage} in {@link JavaBytes}
 * @param states each rank's part of the updater's state, by rank, in {@link JavaBytes}
 * @param listeners those that record for a {@code StatsStorageRouter}, in {@link JavaBytes}; null
 *     without any
 * @param decoder of the data
 * @param dataSetsPerBatch of the RDD in a batch
 * @param batchesPerStep of all ranks together
 * @param steps of the epoch
 * @param oneThread whether a rank's ND4J computes on one thread
 * @param communicationBytes what communication may take; decides how the flat vectors are cut
 */
record RankOrders(
    RunTicket ticket,
    Broadcast<byte[]> network,
    List<Broadcast<byte[]>> states,
    byte[] listeners,
    BatchDecoder decoder,
    int dataSetsPerBatch,
    int batchesPerStep,
    long steps,
    boolean oneThread,
    long communicationBytes)
    implements Serializable {}
