package org.sparktune.jobs.dl4j;

import java.io.Serializable;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.spark.BarrierTaskContext;
import org.sparktune.core.Fingerprint;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.ranks.HostShare;
import org.sparktune.jobs.ranks.RankFacts;
import org.sparktune.jobs.ranks.RankGroup;
import org.sparktune.jobs.ranks.RunTicket;
import org.sparktune.jobs.spark.BarrierPeers;
import org.sparktune.jobs.spark.RankTask;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.dl4j.CudaBackend;
import org.sparktune.trainer.dl4j.NativeThreads;
import org.sparktune.trainer.dl4j.NetworkTrainable;
import org.sparktune.trainer.dl4j.NetworkTraining;
import scala.Tuple2;
import scala.collection.Iterator;
import scala.collection.JavaConverters;
import scala.runtime.AbstractFunction1;

/**
 * Trains a network for an epoch as one rank, in a task of a barrier stage. A Scala function,
 * because Spark offers barrier stages to those alone.
 */
final class NetworkRank extends AbstractFunction1<Iterator<Tuple2<Long, byte[]>>, Iterator<byte[]>>
    implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Spark runs a stage again by itself; its tries get numbers of their own. */
  private static final int MOST_STAGE_ATTEMPTS = 1000;

  private final RankOrders orders;

  NetworkRank(RankOrders orders) {
    this.orders = orders;
  }

  @Override
  public Iterator<byte[]> apply(Iterator<Tuple2<Long, byte[]>> records) {
    RankResult result;
    try {
      result = train(JavaConverters.asJavaIterator(records));
    } catch (SparktuneException e) {
      result = RankResult.failed(e);
    }
    return JavaConverters.asScalaIterator(List.of(JavaBytes.write(result)).iterator());
  }

  private RankResult train(java.util.Iterator<Tuple2<Long, byte[]>> records) {
    BarrierTaskContext task = BarrierTaskContext.get();
    RankGroup group = new RankGroup(new BarrierPeers(task), ticket(task), RankTask.host());
    HostShare share = group.arrive(fingerprint(), RankTask.resources());
    NetworkTrainable trainable;
    try {
      CudaBackend.requireUsable();
      NetworkImage image = JavaBytes.read(orders.network().value(), NetworkImage.class);
      trainable = new NetworkTrainable(image.restore());
    } catch (SparktuneException e) {
      group.decline(e);
      throw e;
    }
    SortedMap<String, String> shared = new TreeMap<>();
    shared.put(RankFacts.LAYOUT, layout(trainable));
    try (Collective collective = group.join(shared);
        NetworkTraining training =
            new NetworkTraining(
                trainable,
                collective,
                orders.batchesPerStep(),
                share.threads(),
                orders.communicationBytes())) {
      try {
        return orders.oneThread()
            ? NativeThreads.one(() -> train(trainable, training, collective.rank(), records))
            : train(trainable, training, collective.rank(), records);
      } catch (RuntimeException | Error e) {
        collective.abort(String.valueOf(e.getMessage()));
        throw e;
      }
    }
  }

  private RankResult train(
      NetworkTrainable trainable,
      NetworkTraining training,
      int rank,
      java.util.Iterator<Tuple2<Long, byte[]>> records) {
    training.updater().restore(JavaBytes.read(orders.states().get(rank).value(), float[].class));
    RankBatches batches = new RankBatches(records, orders.decoder(), orders.dataSetsPerBatch());
    RankListeners listeners = RankListeners.of(rank, orders.listeners(), trainable.network());
    double[] scores = new double[Math.toIntExact(orders.steps())];
    for (int step = 0; step < scores.length; step++) {
      long first = (long) step * orders.batchesPerStep();
      scores[step] = training.step(index -> batches.get(first + index)).score();
      listeners.stepped();
    }
    List<Slices.Range> ranges = training.stateRanges();
    return new RankResult(
        rank == 0 ? trainable.parameters().toFloatArray() : null,
        training.updater().state(),
        ranges.stream().mapToLong(Slices.Range::from).toArray(),
        ranges.stream().mapToLong(Slices.Range::to).toArray(),
        rank == 0 ? scores : null,
        listeners.stats(),
        null);
  }

  private RunTicket ticket(BarrierTaskContext task) {
    RunTicket ticket = orders.ticket();
    return new RunTicket(
        ticket.runId(),
        ticket.attempt() * MOST_STAGE_ATTEMPTS + task.stageAttemptNumber(),
        ticket.secret(),
        ticket.code(),
        ticket.cluster());
  }

  private String fingerprint() {
    return new Fingerprint()
        .add(orders.dataSetsPerBatch())
        .add(orders.batchesPerStep())
        .add(orders.steps())
        .add(orders.network().value())
        .finish();
  }

  private static String layout(NetworkTrainable trainable) {
    Fingerprint fingerprint = new Fingerprint();
    trainable
        .layout()
        .entries()
        .forEach(entry -> fingerprint.add(entry.name()).add(entry.offset()).add(entry.size()));
    return fingerprint.finish();
  }
}
