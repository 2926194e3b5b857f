package org.sparktune.jobs.dl4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.spark.impl.graph.SparkComputationGraph;
import org.deeplearning4j.spark.impl.listeners.VanillaStatsStorageRouter;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** Through dl4j-spark's own classes, on a Spark of threads. */
class AllReduceTrainingMasterTest {
  private static final int EPOCHS = 2;
  private static final int BATCHES_PER_STEP = 4;
  private static LocalSpark spark;

  @BeforeAll
  static void startSpark() {
    spark = new LocalSpark(4);
  }

  @AfterAll
  static void stopSpark() {
    spark.close();
  }

  @Test
  void shouldTrainAsFitDoesAtAnyNumberOfExecutors() {
    List<DataSet> batches = Languages.synthetic(22, 8);
    MultiLayerNetwork fitted = new MultiLayerNetwork(layers());
    fitted.init();
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
      for (int from = 0; from < batches.size(); from += BATCHES_PER_STEP) {
        int to = Math.min(batches.size(), from + BATCHES_PER_STEP);
        fitted.fit(DataSet.merge(batches.subList(from, to)));
      }
      fitted.incrementEpochCount();
    }
    MultiLayerNetwork alone = train(batches, 1, 3);
    assertArrayEquals(
        fitted.params().toFloatVector(), alone.params().toFloatVector(), 1e-4f, "parameters");
    assertArrayEquals(
        fitted.getUpdater().getStateViewArray().toFloatVector(),
        alone.getUpdater().getStateViewArray().toFloatVector(),
        1e-4f,
        "updater state");
    assertEquals(fitted.getIterationCount(), alone.getIterationCount());
    assertEquals(fitted.getEpochCount(), alone.getEpochCount());
    for (int executors : new int[] {2, 4}) {
      MultiLayerNetwork many = train(batches, executors, 5);
      assertArrayEquals(
          alone.params().toFloatVector(), many.params().toFloatVector(), "%d".formatted(executors));
      assertArrayEquals(
          alone.getUpdater().getStateViewArray().toFloatVector(),
          many.getUpdater().getStateViewArray().toFloatVector(),
          "%d".formatted(executors));
    }
  }

  @Test
  void shouldCallListenersForEveryStep() {
    List<DataSet> batches = Languages.synthetic(6, 8);
    MultiLayerNetwork network = new MultiLayerNetwork(layers());
    AllReduceTrainingMaster master = AllReduceTrainingMaster.builder(2).batchesPerStep(2).build();
    SparkDl4jMultiLayer multiLayer = new SparkDl4jMultiLayer(spark.context(), network, master);
    Heard heard = new Heard();
    VanillaStatsStorageRouter router = new VanillaStatsStorageRouter();
    multiLayer.setListeners(router, heard, new CountingListener());
    MultiLayerNetwork unused = multiLayer.fit(spark.context().parallelize(batches, 3));
    assertEquals(List.of("start 0", "0", "1", "2", "end 0"), heard.events);
    assertEquals(3, heard.scores.size());
    assertTrue(heard.scores.get(0) > 0);
    assertEquals(heard.scores.get(2), multiLayer.getScore());
    assertEquals(3, router.getUpdates().size(), "one record for each step");
    assertEquals(1, router.getStaticInfo().size());
    assertEquals(2, master.updaterStateBytes().size());
  }

  @Test
  void shouldTrainAGraphOnMultiDataSetsAndOnFiles(@TempDir Path folder) throws IOException {
    List<MultiDataSet> batches = new ArrayList<>();
    List<String> paths = new ArrayList<>();
    for (DataSet batch : Languages.synthetic(6, 8)) {
      batches.add(batch.toMultiDataSet());
      Path path = folder.resolve("batch-%d.bin".formatted(paths.size()));
      batch.save(path.toFile());
      paths.add(path.toUri().toString());
    }
    SparkComputationGraph inMemory = graph(2);
    ComputationGraph trained = inMemory.fitMultiDataSet(spark.context().parallelize(batches, 2));
    SparkComputationGraph fromFiles = graph(1);
    ComputationGraph same = fromFiles.fitPaths(spark.context().parallelize(paths, 1));
    assertArrayEquals(trained.params().toFloatVector(), same.params().toFloatVector());
    assertEquals(2, trained.getIterationCount());
  }

  @Test
  void shouldMergeSingleExamplesIntoBatches() {
    List<DataSet> batches = Languages.synthetic(4, 8);
    List<DataSet> examples = new ArrayList<>();
    batches.forEach(batch -> examples.addAll(batch.asList()));
    MultiLayerNetwork expected = train(batches, 2, 2);
    MultiLayerNetwork network = new MultiLayerNetwork(layers());
    AllReduceTrainingMaster master =
        AllReduceTrainingMaster.builder(2)
            .batchesPerStep(BATCHES_PER_STEP)
            .dataSetsPerBatch(8)
            .build();
    JavaRDD<DataSet> data = spark.context().parallelize(examples, 3);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
      fit(network, master, data);
    }
    assertArrayEquals(expected.params().toFloatVector(), network.params().toFloatVector());
  }

  @Test
  void shouldLeaveTheNetworkAloneWhenTrainingFails() {
    List<DataSet> batches = Languages.synthetic(4, 8);
    batches.get(3).getFeatures().putScalar(0, Double.NaN);
    MultiLayerNetwork network = new MultiLayerNetwork(layers());
    network.init();
    float[] before = network.params().toFloatVector();
    AllReduceTrainingMaster master = AllReduceTrainingMaster.builder(2).build();
    SparktuneException thrown =
        assertThrows(
            SparktuneException.class,
            () -> fit(network, master, spark.context().parallelize(batches, 2)));
    assertEquals(ErrorCode.DIVERGED, thrown.code());
    assertArrayEquals(before, network.params().toFloatVector());
  }

  @Test
  void shouldSayThatThereIsNothingToTrainOnAndTooFewSlots() {
    MultiLayerNetwork network = new MultiLayerNetwork(layers());
    SparktuneException empty =
        assertThrows(
            SparktuneException.class,
            () ->
                fit(
                    network,
                    AllReduceTrainingMaster.builder(1).build(),
                    spark.context().parallelize(List.of(), 2)));
    assertEquals(ErrorCode.BAD_DATA, empty.code());
    SparktuneException tooFew =
        assertThrows(
            SparktuneException.class,
            () ->
                fit(
                    network,
                    AllReduceTrainingMaster.builder(64).build(),
                    spark.context().parallelize(Languages.synthetic(2, 8), 2)));
    assertEquals(ErrorCode.RESOURCES, tooFew.code());
  }

  /** Learns synthetic data with the given number of executors. */
  private static MultiLayerNetwork train(List<DataSet> batches, int executors, int partitions) {
    MultiLayerNetwork network = new MultiLayerNetwork(layers());
    AllReduceTrainingMaster master =
        AllReduceTrainingMaster.builder(executors).batchesPerStep(BATCHES_PER_STEP).build();
    JavaRDD<DataSet> data = spark.context().parallelize(batches, partitions);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
      fit(network, master, data);
    }
    return network;
  }

  private static void fit(
      MultiLayerNetwork network, AllReduceTrainingMaster master, JavaRDD<DataSet> data) {
    MultiLayerNetwork unused = new SparkDl4jMultiLayer(spark.context(), network, master).fit(data);
  }

  private static SparkComputationGraph graph(int executors) {
    ComputationGraphConfiguration configuration =
        new NeuralNetConfiguration.Builder()
            .seed(3)
            .updater(new Adam(0.01))
            .graphBuilder()
            .addInputs("in")
            .addLayer(
                "hidden", new DenseLayer.Builder().nIn(Languages.FEATURES).nOut(33).build(), "in")
            .addLayer("out", output(33), "hidden")
            .setOutputs("out")
            .build();
    return new SparkComputationGraph(
        spark.context(),
        new ComputationGraph(configuration),
        AllReduceTrainingMaster.builder(executors).batchesPerStep(3).build());
  }

  static MultiLayerConfiguration layers() {
    return new NeuralNetConfiguration.Builder()
        .seed(3)
        .updater(new Adam(0.01))
        .activation(Activation.RELU)
        .list()
        .layer(new DenseLayer.Builder().nIn(Languages.FEATURES).nOut(65).l2(1e-3).build())
        .layer(output(65))
        .build();
  }

  private static OutputLayer output(int inputs) {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nIn(inputs)
        .nOut(Languages.CLASSES)
        .activation(Activation.SOFTMAX)
        .build();
  }

  /** Writes down what it is told. */
  private static final class Heard extends BaseTrainingListener {
    private final List<String> events = new ArrayList<>();
    private final List<Double> scores = new ArrayList<>();

    @Override
    public void iterationDone(Model model, int iteration, int epoch) {
      events.add(Integer.toString(iteration));
      scores.add(model.score());
    }

    @Override
    public void onEpochStart(Model model) {
      events.add("start " + ((MultiLayerNetwork) model).getEpochCount());
    }

    @Override
    public void onEpochEnd(Model model) {
      events.add("end " + ((MultiLayerNetwork) model).getEpochCount());
    }
  }
}
