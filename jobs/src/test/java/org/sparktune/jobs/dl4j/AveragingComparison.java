package org.sparktune.jobs.dl4j;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.api.RDDTrainingApproach;
import org.deeplearning4j.spark.api.TrainingMaster;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingMaster;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * All-reduce beside dl4j-spark's parameter averaging: the same network, data, workers and batch
 * size. {@code main} tells real languages apart and prints the table of {@code docs/benchmarks.md}.
 */
final class AveragingComparison {
  private static final int WORKERS = 2;
  private static final int AVERAGING_FREQUENCY = 5;
  private static final int WIDTH = 256;
  private static final int EPOCHS = 3;

  private AveragingComparison() {}

  /**
   * What a training gave.
   *
   * @param losses after every epoch, over all the data
   * @param stateBytes of the updater on each worker
   * @param seconds for all epochs
   */
  record Curve(List<Double> losses, List<Long> stateBytes, double seconds) {}

  /** Synchronous training. */
  static Curve allReduce(JavaSparkContext context, List<DataSet> batches, int classes, int epochs) {
    AllReduceTrainingMaster master = AllReduceTrainingMaster.builder(WORKERS).build();
    MultiLayerNetwork network = network(classes);
    Curve curve = train(context, network, master, batches, epochs);
    return new Curve(curve.losses(), master.updaterStateBytes(), curve.seconds());
  }

  /** dl4j-spark's own. */
  static Curve averaging(JavaSparkContext context, List<DataSet> batches, int classes, int epochs) {
    int examples = batches.get(0).numExamples();
    ParameterAveragingTrainingMaster master =
        new ParameterAveragingTrainingMaster.Builder(WORKERS, examples)
            .batchSizePerWorker(examples)
            .averagingFrequency(AVERAGING_FREQUENCY)
            .rddTrainingApproach(RDDTrainingApproach.Direct)
            .build();
    MultiLayerNetwork network = network(classes);
    Curve curve = train(context, network, master, batches, epochs);
    long bytes = network.getUpdater(true).getStateViewArray().length() * Float.BYTES;
    return new Curve(curve.losses(), List.of(bytes, bytes), curve.seconds());
  }

  private static Curve train(
      JavaSparkContext context,
      MultiLayerNetwork network,
      TrainingMaster<?, ?> master,
      List<DataSet> batches,
      int epochs) {
    SparkDl4jMultiLayer spark = new SparkDl4jMultiLayer(context, network, master);
    JavaRDD<DataSet> data = context.parallelize(batches, WORKERS);
    DataSet all = DataSet.merge(batches);
    List<Double> losses = new ArrayList<>();
    long nanos = 0;
    for (int epoch = 0; epoch < epochs; epoch++) {
      long start = System.nanoTime();
      MultiLayerNetwork unused = spark.fit(data);
      nanos += System.nanoTime() - start;
      losses.add(network.score(all));
    }
    return new Curve(losses, List.of(), nanos / 1e9);
  }

  private static MultiLayerNetwork network(int classes) {
    MultiLayerConfiguration configuration =
        new NeuralNetConfiguration.Builder()
            .seed(3)
            .updater(new Adam(1e-3))
            .activation(Activation.RELU)
            .list()
            .layer(new DenseLayer.Builder().nIn(Languages.FEATURES).nOut(WIDTH).build())
            .layer(new DenseLayer.Builder().nIn(WIDTH).nOut(WIDTH).build())
            .layer(
                new OutputLayer.Builder(LossFunction.MCXENT)
                    .nIn(WIDTH)
                    .nOut(classes)
                    .activation(Activation.SOFTMAX)
                    .build())
            .build();
    MultiLayerNetwork network = new MultiLayerNetwork(configuration);
    network.init();
    return network;
  }

  /**
   * Compares on real texts.
   *
   * @param arguments a folder of texts, a language each
   */
  public static void main(String[] arguments) throws IOException {
    List<Path> files = Languages.texts(Path.of(arguments[0]));
    List<DataSet> batches = Languages.real(files, 40, 400, 32);
    try (LocalSpark spark = new LocalSpark(WORKERS)) {
      Curve allReduce = allReduce(spark.context(), batches, files.size(), EPOCHS);
      Curve averaging = averaging(spark.context(), batches, files.size(), EPOCHS);
      System.out.println("| epoch | all-reduce | parameter averaging |");
      System.out.println("|---|---|---|");
      for (int epoch = 0; epoch < allReduce.losses().size(); epoch++) {
        System.out.printf(
            Locale.ROOT,
            "| %d | %.4f | %.4f |%n",
            epoch + 1,
            allReduce.losses().get(epoch),
            averaging.losses().get(epoch));
      }
      System.out.printf(
          Locale.ROOT,
          "| updater bytes per worker | %s | %s |%n| seconds | %.1f | %.1f |%n",
          allReduce.stateBytes(),
          averaging.stateBytes(),
          allReduce.seconds(),
          averaging.seconds());
    }
    System.exit(0); // Spark leaves the timers of its barriers running
  }
}
