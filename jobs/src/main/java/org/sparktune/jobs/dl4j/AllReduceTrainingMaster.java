package org.sparktune.jobs.dl4j;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.util.SerializableConfiguration;
import org.deeplearning4j.core.loader.DataSetLoader;
import org.deeplearning4j.core.loader.MultiDataSetLoader;
import org.deeplearning4j.core.storage.StatsStorageRouter;
import org.deeplearning4j.core.storage.listener.RoutingIterationListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.spark.api.TrainingHook;
import org.deeplearning4j.spark.api.TrainingMaster;
import org.deeplearning4j.spark.api.TrainingResult;
import org.deeplearning4j.spark.api.TrainingWorker;
import org.deeplearning4j.spark.api.stats.SparkTrainingStats;
import org.deeplearning4j.spark.impl.graph.SparkComputationGraph;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.ClusterOptions;
import org.sparktune.trainer.dl4j.Network;

/**
 * Trains DL4J networks on Spark synchronously: after every step all executors hold the same
 * parameters, those that {@code fit} on one machine would have, and the updater's state is shared
 * out among them (ZeRO-1).
 *
 * <pre>{@code
 * TrainingMaster<?, ?> master = AllReduceTrainingMaster.builder(4).batchesPerStep(8).build();
 * SparkDl4jMultiLayer spark = new SparkDl4jMultiLayer(context, network, master);
 * for (int epoch = 0; epoch < 10; epoch++) {
 *   spark.fit(batches); // a JavaRDD<DataSet>, each a batch
 * }
 * }</pre>
 *
 * <p>The RDD's data sets are taken in their order; {@code batchesPerStep} of them make a step. That
 * number decides the result, and the number of executors does not, down to the last bit: set it to
 * the most executors that you may ever have, or more. A last step with fewer batches averages over
 * the examples that it has.
 *
 * <p>Iteration listeners are called on the driver when an epoch is over, once for each of its
 * steps, with the step's score and counters; they see the epoch's final parameters. Listeners that
 * record for a {@code StatsStorageRouter} run where the parameters are, on rank 0, and what they
 * recorded is put into the router.
 */
public final class AllReduceTrainingMaster
    implements TrainingMaster<TrainingResult, TrainingWorker<TrainingResult>> {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ClusterOptions cluster;
  private final int dataSetsPerBatch;
  private final int batchesPerStep;
  private final boolean oneThread;
  private final List<TrainingListener> listeners = new ArrayList<>();
  private StatsStorageRouter router;
  private List<Long> stateBytes = List.of();

  private AllReduceTrainingMaster(Builder builder) {
    this.cluster =
        new ClusterOptions(
            builder.executors,
            builder.minExecutors,
            builder.transport,
            ClusterOptions.Wire.FP32,
            builder.mtu,
            builder.mediaDriver,
            builder.peerTimeoutSeconds,
            builder.executorWaitSeconds,
            builder.maxAttempts);
    this.dataSetsPerBatch = builder.dataSetsPerBatch;
    this.oneThread = builder.oneThread;
    this.batchesPerStep = builder.batchesPerStep == 0 ? builder.executors : builder.batchesPerStep;
  }

  /**
   * Begins a configuration.
   *
   * @param executors Spark tasks that train together, each a rank; they need a slot each at once
   */
  public static Builder builder(int executors) {
    return new Builder(executors);
  }

  /** How to train. */
  public static final class Builder {
    private final int executors;
    private int minExecutors;
    private int batchesPerStep;
    private int dataSetsPerBatch = 1;
    private boolean oneThread;
    private ClusterOptions.Transport transport = ClusterOptions.Transport.AUTO;
    private int mtu = 1408;
    private String mediaDriver = "";
    private int peerTimeoutSeconds = 30;
    private int executorWaitSeconds = 120;
    private int maxAttempts = 3;

    private Builder(int executors) {
      this.executors = executors;
      this.minExecutors = executors;
    }

    /** How many batches, of all executors together, make a step; by default one for each. */
    public Builder batchesPerStep(int batches) {
      this.batchesPerStep = requirePositive("batchesPerStep", batches);
      return this;
    }

    /** How many data sets of the RDD are merged into a batch; for RDDs of single examples. */
    public Builder dataSetsPerBatch(int dataSets) {
      this.dataSetsPerBatch = requirePositive("dataSetsPerBatch", dataSets);
      return this;
    }

    /**
     * Lets every rank's ND4J compute on one thread instead of all cores of its host: several times
     * as fast for networks whose layers are small.
     */
    public Builder oneThread() {
      this.oneThread = true;
      return this;
    }

    /** With how few executors training goes on when some are lost; by default with all only. */
    public Builder minExecutors(int fewest) {
      this.minExecutors = requirePositive("minExecutors", fewest);
      return this;
    }

    /** How executors reach each other. */
    public Builder transport(ClusterOptions.Transport way) {
      this.transport = way;
      return this;
    }

    /** Bytes of a datagram between hosts. */
    public Builder mtu(int bytes) {
      this.mtu = requirePositive("mtu", bytes);
      return this;
    }

    /**
     * The folder of an Aeron media driver that runs on every host; by default ranks run their own.
     */
    public Builder mediaDriver(String folder) {
      this.mediaDriver = folder;
      return this;
    }

    /** After how long a silent executor counts as lost. */
    public Builder peerTimeoutSeconds(int seconds) {
      this.peerTimeoutSeconds = requirePositive("peerTimeoutSeconds", seconds);
      return this;
    }

    /** How long is waited for executors to come, or to be replaced. */
    public Builder executorWaitSeconds(int seconds) {
      this.executorWaitSeconds = requirePositive("executorWaitSeconds", seconds);
      return this;
    }

    /** How often an epoch is begun when executors are lost. */
    public Builder maxAttempts(int attempts) {
      this.maxAttempts = requirePositive("maxAttempts", attempts);
      return this;
    }

    /**
     * The training master.
     *
     * @throws SparktuneException {@code INVALID_SPEC} if values don't go together
     */
    public AllReduceTrainingMaster build() {
      int unused = requirePositive("executors", executors);
      if (minExecutors > executors) {
        throw new SparktuneException(
            ErrorCode.INVALID_SPEC,
            "minExecutors is %d and executors %d.".formatted(minExecutors, executors),
            "Make minExecutors at most executors.");
      }
      return new AllReduceTrainingMaster(this);
    }

    private static int requirePositive(String name, int value) {
      if (value < 1) {
        throw new SparktuneException(
            ErrorCode.INVALID_SPEC, "%s is %d.".formatted(name, value), "It has to be at least 1.");
      }
      return value;
    }
  }

  /** Each rank's bytes of updater state in the last epoch, by rank; empty before. */
  public List<Long> updaterStateBytes() {
    return stateBytes;
  }

  @Override
  public void executeTraining(SparkDl4jMultiLayer spark, JavaRDD<DataSet> trainingData) {
    train(spark, trainingData, AllReduceTrainingMaster::saved, new BatchDecoder.Saved());
  }

  @Override
  public void executeTraining(SparkComputationGraph spark, JavaRDD<DataSet> trainingData) {
    train(spark, trainingData, AllReduceTrainingMaster::saved, new BatchDecoder.Saved());
  }

  @Override
  public void executeTrainingMDS(SparkComputationGraph spark, JavaRDD<MultiDataSet> trainingData) {
    train(spark, trainingData, BatchDecoder.Saved::encode, new BatchDecoder.Saved());
  }

  @Override
  public void executeTrainingPaths(
      SparkDl4jMultiLayer network,
      SparkComputationGraph graph,
      JavaRDD<String> trainingDataPaths,
      DataSetLoader dataSets,
      MultiDataSetLoader multiDataSets) {
    BatchDecoder decoder =
        new BatchDecoder.Path(
            dataSets == null ? multiDataSets : dataSets,
            new SerializableConfiguration(trainingDataPaths.context().hadoopConfiguration()));
    if (network != null) {
      train(network, trainingDataPaths, BatchDecoder.Path::encode, decoder);
    } else {
      train(graph, trainingDataPaths, BatchDecoder.Path::encode, decoder);
    }
  }

  @Override
  public void setListeners(Collection<TrainingListener> newListeners) {
    setListeners(null, newListeners);
  }

  @Override
  public void setListeners(
      StatsStorageRouter newRouter, Collection<TrainingListener> newListeners) {
    router = newRouter;
    listeners.clear();
    if (newListeners != null) {
      listeners.addAll(newListeners);
    }
  }

  @Override
  public String toJson() {
    try {
      return JSON.writeValueAsString(settings());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Numbers and words can be written as JSON", e);
    }
  }

  @Override
  public String toYaml() {
    StringBuilder yaml = new StringBuilder();
    settings().forEach((name, value) -> yaml.append("%s: %s%n".formatted(name, value)));
    return yaml.toString();
  }

  /** Statistics of this kind are not collected. */
  @Override
  public void setCollectTrainingStats(boolean collect) {
    if (collect) {
      throw unsupported(
          "Spark training statistics", "Every rank logs its share of the work and its memory.");
    }
  }

  @Override
  public boolean getIsCollectTrainingStats() {
    return false;
  }

  /** Always null, as the interface allows when none are collected. */
  @Override
  public SparkTrainingStats getTrainingStats() {
    return null;
  }

  @Override
  public void addHook(TrainingHook hook) {
    throw unsupported("training hooks, which could change one rank's network", "Use listeners.");
  }

  @Override
  public void removeHook(TrainingHook hook) {
    throw unsupported("training hooks, which could change one rank's network", "Use listeners.");
  }

  @Override
  public TrainingWorker<TrainingResult> getWorkerInstance(SparkDl4jMultiLayer network) {
    throw noWorker();
  }

  @Override
  public TrainingWorker<TrainingResult> getWorkerInstance(SparkComputationGraph graph) {
    throw noWorker();
  }

  /** There are none. */
  @Override
  public boolean deleteTempFiles(JavaSparkContext context) {
    return true;
  }

  /** There are none. */
  @Override
  public boolean deleteTempFiles(SparkContext context) {
    return true;
  }

  private <T> void train(
      SparkDl4jMultiLayer spark,
      JavaRDD<T> data,
      Function<T, byte[]> encoder,
      BatchDecoder decoder) {
    Network network = Network.of(spark.getNetwork());
    spark.setScore(train(spark.getSparkContext(), network, data, encoder, decoder));
  }

  private <T> void train(
      SparkComputationGraph spark,
      JavaRDD<T> data,
      Function<T, byte[]> encoder,
      BatchDecoder decoder) {
    Network network = Network.of(spark.getNetwork());
    spark.setScore(train(spark.getSparkContext(), network, data, encoder, decoder));
  }

  private <T> double train(
      JavaSparkContext context,
      Network network,
      JavaRDD<T> data,
      Function<T, byte[]> encoder,
      BatchDecoder decoder) {
    List<RoutingIterationListener> routing = new ArrayList<>();
    List<TrainingListener> here = new ArrayList<>();
    for (TrainingListener listener : listeners) {
      if (listener instanceof RoutingIterationListener recorder && router != null) {
        routing.add(recorder.clone());
      } else {
        here.add(listener);
      }
    }
    byte[] serialized =
        routing.isEmpty()
            ? null
            : JavaBytes.write(routing.toArray(RoutingIterationListener[]::new));
    here.forEach(listener -> listener.onEpochStart(network.model()));
    NetworkJob job =
        new NetworkJob(context, cluster, dataSetsPerBatch, batchesPerStep, serialized, oneThread);
    NetworkJob.Epoch epoch = job.run(network, data, encoder, decoder);
    stateBytes = epoch.stateBytes();
    if (epoch.stats() != null) {
      router.putStorageMetaData(epoch.stats().metaData());
      router.putStaticInfo(epoch.stats().staticInfo());
      router.putUpdate(epoch.stats().updates());
    }
    for (double score : epoch.scores()) {
      network.setScore(score);
      here.forEach(
          listener ->
              listener.iterationDone(network.model(), network.iteration(), network.epoch()));
      network.setIteration(network.iteration() + 1);
    }
    here.forEach(listener -> listener.onEpochEnd(network.model()));
    return epoch.scores()[epoch.scores().length - 1];
  }

  private Map<String, Object> settings() {
    Map<String, Object> settings = new TreeMap<>();
    settings.put("executors", cluster.executors());
    settings.put("minExecutors", cluster.minExecutors());
    settings.put("batchesPerStep", batchesPerStep);
    settings.put("dataSetsPerBatch", dataSetsPerBatch);
    settings.put("oneThread", oneThread);
    settings.put("transport", cluster.transport().name());
    settings.put("mtu", cluster.mtu());
    settings.put("mediaDriver", cluster.mediaDriver());
    settings.put("peerTimeoutSeconds", cluster.peerTimeoutSeconds());
    settings.put("executorWaitSeconds", cluster.executorWaitSeconds());
    settings.put("maxAttempts", cluster.maxAttempts());
    return settings;
  }

  private static byte[] saved(DataSet data) {
    return BatchDecoder.Saved.encode(data.toMultiDataSet());
  }

  private static SparktuneException noWorker() {
    return unsupported(
        "workers of their own", "Train through SparkDl4jMultiLayer or SparkComputationGraph.");
  }

  private static SparktuneException unsupported(String what, String hint) {
    return new SparktuneException(
        ErrorCode.UNSUPPORTED, "AllReduceTrainingMaster has no %s.".formatted(what), hint);
  }
}
