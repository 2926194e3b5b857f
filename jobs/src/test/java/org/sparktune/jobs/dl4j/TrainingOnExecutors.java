package org.sparktune.jobs.dl4j;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.impl.listeners.VanillaStatsStorageRouter;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.nd4j.linalg.dataset.DataSet;
import org.sparktune.core.Fingerprint;
import org.sparktune.jobs.spark.SparkSettings;

/**
 * Trains a network twice on two executors of their own processes, and prints what became of its
 * parameters and updater state; the second time a rank stops and waits to be killed.
 */
final class TrainingOnExecutors {
  private static final int EPOCHS = 2;
  private static final int BATCHES = 22;

  private TrainingOnExecutors() {}

  /**
   * Trains.
   *
   * @param arguments the file of {@link HoldingListener}, the executors' class path and their Java
   *     options
   */
  public static void main(String[] arguments) {
    Map<String, String> settings =
        Map.of(
            "spark.driver.host",
            "localhost",
            "spark.executor.memory",
            "512m",
            "spark.executor.extraClassPath",
            arguments[1],
            "spark.executor.extraJavaOptions",
            arguments[2]);
    try (SparkSession session =
        new SparkSettings("local-cluster[2,1,1024]", settings).session("dl4j", 2)) {
      JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
      System.out.println("\nundisturbed: " + train(context, null));
      System.out.println("\ndisturbed: " + train(context, Path.of(arguments[0])));
    }
    // Some threads of Spark's local cluster outlive it.
    System.exit(0);
  }

  private static String train(JavaSparkContext context, Path hold) {
    List<DataSet> batches = Languages.synthetic(BATCHES, 8);
    MultiLayerNetwork network = new MultiLayerNetwork(AllReduceTrainingMasterTest.layers());
    AllReduceTrainingMaster master =
        AllReduceTrainingMaster.builder(2).batchesPerStep(4).peerTimeoutSeconds(5).build();
    SparkDl4jMultiLayer spark = new SparkDl4jMultiLayer(context, network, master);
    if (hold != null) {
      spark.setListeners(new VanillaStatsStorageRouter(), new HoldingListener(hold));
    }
    JavaRDD<DataSet> data = context.parallelize(batches, 3);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
      MultiLayerNetwork unused = spark.fit(data);
    }
    Fingerprint fingerprint = new Fingerprint();
    for (float value : network.params().toFloatVector()) {
      fingerprint.add(Float.floatToRawIntBits(value));
    }
    for (float value : network.getUpdater().getStateViewArray().toFloatVector()) {
      fingerprint.add(Float.floatToRawIntBits(value));
    }
    return fingerprint.finish();
  }
}
