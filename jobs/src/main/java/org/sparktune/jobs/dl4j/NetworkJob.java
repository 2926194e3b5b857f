package org.sparktune.jobs.dl4j;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.apache.spark.SparkException;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.rdd.RDD;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.ranks.CodeVersion;
import org.sparktune.jobs.ranks.RunTicket;
import org.sparktune.jobs.spark.ExecutorWatch;
import org.sparktune.jobs.spark.Slots;
import org.sparktune.pipeline.spec.ClusterOptions;
import org.sparktune.trainer.collective.Slices.Range;
import org.sparktune.trainer.dl4j.Network;
import org.sparktune.trainer.dl4j.NetworkTrainable;
import org.sparktune.trainer.dl4j.NetworkTraining;
import scala.reflect.ClassTag$;

/**
 * An epoch of a network on Spark, from the driver's side. The driver's network does not change
 * before the epoch is over, so an epoch that lost an executor is made again from its beginning, on
 * as many executors as there are then, and gives what it would have given.
 */
final class NetworkJob {
  private static final Logger LOG = LoggerFactory.getLogger(NetworkJob.class);
  private static final int SECRET_BYTES = 32;

  /** Cuts the flat vectors into buckets of at most 16 MiB, the same on every rank. */
  private static final long COMMUNICATION_BYTES = 1L << 30;

  private final JavaSparkContext context;
  private final ClusterOptions cluster;
  private final int dataSetsPerBatch;
  private final int batchesPerStep;
  private final byte[] listeners;
  private final boolean oneThread;

  /**
   * @param listeners those that record for a router, in {@link JavaBytes}; null without any
   * @param oneThread whether a rank's ND4J computes on one thread
   */
  NetworkJob(
      JavaSparkContext context,
      ClusterOptions cluster,
      int dataSetsPerBatch,
      int batchesPerStep,
      byte[] listeners,
      boolean oneThread) {
    this.context = context;
    this.cluster = cluster;
    this.dataSetsPerBatch = dataSetsPerBatch;
    this.batchesPerStep = batchesPerStep;
    this.listeners = listeners;
    this.oneThread = oneThread;
  }

  /**
   * What an epoch gave.
   *
   * @param scores of its steps
   * @param stats what listeners recorded; null without any
   * @param stateBytes each rank's bytes of updater state, by rank
   */
  record Epoch(double[] scores, RankResult.Stats stats, List<Long> stateBytes) {}

  /**
   * Trains for one epoch; the network then has new parameters and updater state.
   *
   * @throws SparktuneException what a rank failed with; the network is unchanged then
   */
  <T> Epoch run(
      Network network, JavaRDD<T> data, Function<T, byte[]> encoder, BatchDecoder decoder) {
    NetworkTrainable.requireSupported(network);
    byte[] secret = new byte[SECRET_BYTES];
    new SecureRandom().nextBytes(secret);
    String runId = UUID.randomUUID().toString();
    ExecutorWatch watch = new ExecutorWatch();
    context.sc().addSparkListener(watch);
    try {
      for (int attempt = 1; ; attempt++) {
        RunTicket ticket = new RunTicket(runId, attempt, secret, CodeVersion.get(), cluster);
        int ranks = new Slots(context.sc(), cluster, watch).ranks();
        SparktuneException failure;
        try {
          List<RankResult> results = attempt(network, data, encoder, decoder, ticket, ranks);
          failure = failure(results);
          if (failure == null) {
            return takeOver(network, results);
          }
        } catch (SparkException e) {
          failure =
              new SparktuneException(
                  ErrorCode.PEER_LOST,
                  "An executor was lost, or a task failed: " + firstLine(e.getMessage()),
                  "Look at the executors' logs; the network is as it was before this fit.",
                  e);
        }
        if (failure.code() != ErrorCode.PEER_LOST || attempt == cluster.maxAttempts()) {
          throw failure;
        }
        LOG.warn("Attempt {} of this epoch failed, another begins", attempt, failure);
      }
    } finally {
      context.sc().removeSparkListener(watch);
    }
  }

  private <T> List<RankResult> attempt(
      Network network,
      JavaRDD<T> data,
      Function<T, byte[]> encoder,
      BatchDecoder decoder,
      RunTicket ticket,
      int ranks)
      throws SparkException {
    PlacedBatches placed = PlacedBatches.of(data, encoder, dataSetsPerBatch, batchesPerStep, ranks);
    long perStep = (long) dataSetsPerBatch * batchesPerStep;
    Broadcast<byte[]> image = context.broadcast(JavaBytes.write(NetworkImage.of(network)));
    List<Broadcast<byte[]>> states = new ArrayList<>();
    try {
      for (int rank = 0; rank < ranks; rank++) {
        states.add(context.broadcast(JavaBytes.write(state(network, rank, ranks))));
      }
      RankOrders orders =
          new RankOrders(
              ticket,
              image,
              states,
              listeners,
              decoder,
              dataSetsPerBatch,
              batchesPerStep,
              (placed.dataSets() + perStep - 1) / perStep,
              oneThread,
              COMMUNICATION_BYTES);
      RDD<byte[]> answers =
          placed
              .records()
              .rdd()
              .barrier()
              .mapPartitions(new NetworkRank(orders), false, ClassTag$.MODULE$.apply(byte[].class));
      List<RankResult> results = new ArrayList<>();
      for (byte[] answer : collect(answers)) {
        results.add(JavaBytes.read(answer, RankResult.class));
      }
      return results;
    } finally {
      image.destroy();
      states.forEach(Broadcast::destroy);
    }
  }

  /** Spark's Java API hides that a job throws {@link SparkException}. */
  @SuppressWarnings("RedundantThrows")
  private static List<byte[]> collect(RDD<byte[]> answers) throws SparkException {
    return new JavaRDD<>(answers, ClassTag$.MODULE$.apply(byte[].class)).collect();
  }

  /** A rank's part of the updater's state, in its order. */
  private static float[] state(Network network, int rank, int ranks) {
    List<Range> ranges = NetworkTraining.stateRanges(network, rank, ranks, COMMUNICATION_BYTES);
    int size = 0;
    for (Range range : ranges) {
      size += (int) range.size();
    }
    float[] part = new float[size];
    INDArray whole = network.updater().getStateViewArray();
    if (whole == null) {
      return part;
    }
    float[] values = whole.toFloatVector();
    int offset = 0;
    for (Range range : ranges) {
      System.arraycopy(values, (int) range.from(), part, offset, (int) range.size());
      offset += (int) range.size();
    }
    return part;
  }

  private static Epoch takeOver(Network network, List<RankResult> results) {
    INDArray stateView = network.updater().getStateViewArray();
    float[] state = new float[stateView == null ? 0 : (int) stateView.length()];
    List<Long> stateBytes = new ArrayList<>();
    for (RankResult result : results) {
      int offset = 0;
      for (int i = 0; i < result.stateFrom().length; i++) {
        int size = (int) (result.stateTo()[i] - result.stateFrom()[i]);
        System.arraycopy(result.state(), offset, state, (int) result.stateFrom()[i], size);
        offset += size;
      }
      stateBytes.add((long) result.state().length * Float.BYTES);
    }
    RankResult first = results.get(0);
    network.parameters().assign(Nd4j.createFromArray(first.parameters()));
    if (stateView != null) {
      stateView.assign(Nd4j.createFromArray(state).reshape(stateView.shape()));
    }
    return new Epoch(first.scores(), first.stats(), stateBytes);
  }

  /** The failure to deal with: one of a rank's own before those that only say that it was lost. */
  private static SparktuneException failure(List<RankResult> results) {
    SparktuneException failure = null;
    for (RankResult result : results) {
      SparktuneException own = result.failure();
      if (own != null && (failure == null || failure.code() == ErrorCode.PEER_LOST)) {
        failure = own;
      }
    }
    return failure;
  }

  private static String firstLine(String text) {
    return String.valueOf(text).lines().findFirst().orElse("").strip();
  }
}
