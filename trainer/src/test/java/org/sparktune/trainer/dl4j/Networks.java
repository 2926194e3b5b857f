package org.sparktune.trainer.dl4j;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaDelta;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.AdaMax;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;

/** Small networks, each with something that DL4J does in a way of its own, and data for them. */
final class Networks {
  /** Not a multiple of anything: slices end within parameters. */
  static final int WIDTH = 67;

  static final int INPUTS = 13;
  static final int CLASSES = 3;
  private static final int LENGTH = 5;
  private static final int SIDE = 6;

  private Networks() {}

  /** Every updater of ND4J, but AdaBelief, which DL4J itself fails to start. */
  static List<IUpdater> updaters() {
    return List.of(
        new Sgd(0.1),
        new Nesterovs(0.1, 0.9),
        new Adam(new StepSchedule(ScheduleType.ITERATION, 0.01, 0.5, 2)),
        new AMSGrad(0.01),
        new AdaMax(0.01),
        new Nadam(0.01),
        new AdaGrad(0.05),
        new AdaDelta(),
        new RmsProp(0.005));
  }

  /** Dense layers with different updaters, L1, L2, weight decay and a constraint. */
  static MultiLayerConfiguration dense(IUpdater updater, GradientNormalization normalization) {
    return new NeuralNetConfiguration.Builder()
        .seed(7)
        .updater(updater)
        .weightInit(WeightInit.XAVIER)
        .activation(Activation.TANH)
        .gradientNormalization(normalization)
        .gradientNormalizationThreshold(0.02)
        .list()
        .layer(new DenseLayer.Builder().nIn(INPUTS).nOut(WIDTH).l1(1e-3).l2(1e-2).build())
        .layer(
            new DenseLayer.Builder()
                .nIn(WIDTH)
                .nOut(WIDTH)
                .weightDecay(1e-2)
                .updater(new Nesterovs(0.05, 0.8))
                .constrainWeights(new MaxNormConstraint(1.0, 1))
                .build())
        .layer(output(WIDTH))
        .build();
  }

  /** Dropout and weights that follow from the generator. */
  static MultiLayerConfiguration dropout() {
    return new NeuralNetConfiguration.Builder()
        .seed(7)
        .updater(new Adam(0.01))
        .list()
        .layer(new DenseLayer.Builder().nIn(INPUTS).nOut(WIDTH).dropOut(0.5).build())
        .layer(new DenseLayer.Builder().nIn(WIDTH).nOut(WIDTH).dropOut(0.7).build())
        .layer(output(WIDTH))
        .build();
  }

  /** A convolution with batch normalization. */
  static MultiLayerConfiguration convolution() {
    return new NeuralNetConfiguration.Builder()
        .seed(7)
        .updater(new Adam(0.01))
        .list()
        .layer(new ConvolutionLayer.Builder(3, 3).nOut(5).build())
        .layer(new BatchNormalization())
        .layer(new DenseLayer.Builder().nOut(WIDTH).build())
        .layer(output(WIDTH))
        .setInputType(InputType.convolutional(SIDE, SIDE, 1))
        .build();
  }

  /** A recurrent network over series of different lengths. */
  static MultiLayerConfiguration recurrent() {
    return new NeuralNetConfiguration.Builder()
        .seed(7)
        .updater(new RmsProp(0.01))
        .list()
        .layer(new LSTM.Builder().nIn(INPUTS).nOut(17).build())
        .layer(
            new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .nIn(17)
                .nOut(CLASSES)
                .activation(Activation.SOFTMAX)
                .build())
        .build();
  }

  /** Two inputs, two outputs. */
  static ComputationGraphConfiguration graph() {
    return new NeuralNetConfiguration.Builder()
        .seed(7)
        .updater(new Adam(0.01))
        .graphBuilder()
        .addInputs("left", "right")
        .addLayer("a", new DenseLayer.Builder().nIn(INPUTS).nOut(WIDTH).build(), "left")
        .addLayer("b", new DenseLayer.Builder().nIn(INPUTS).nOut(31).build(), "right")
        .addVertex("both", new MergeVertex(), "a", "b")
        .addLayer("class", output(WIDTH + 31), "both")
        .addLayer(
            "value",
            new OutputLayer.Builder(LossFunction.MSE)
                .nIn(31)
                .nOut(2)
                .activation(Activation.IDENTITY)
                .build(),
            "b")
        .setOutputs("class", "value")
        .build();
  }

  /** Batches for the dense networks; a class is a half-space of the features. */
  static List<MultiDataSet> denseBatches(int... sizes) {
    return batches(sizes, Networks::denseBatch);
  }

  /** Batches of images. */
  static List<MultiDataSet> imageBatches(int... sizes) {
    return batches(
        sizes,
        (random, size) -> {
          INDArray images = uniform(random, size, 1, SIDE, SIDE);
          return new MultiDataSet(images, labels(images.reshape(size, SIDE * SIDE)));
        });
  }

  /** Batches of masked series. */
  static List<MultiDataSet> seriesBatches(int... sizes) {
    return batches(
        sizes,
        (random, size) -> {
          INDArray series = uniform(random, size, INPUTS, LENGTH);
          INDArray labels = Nd4j.create(size, CLASSES, LENGTH);
          INDArray mask = Nd4j.create(size, LENGTH);
          for (int i = 0; i < size; i++) {
            int length = 1 + random.nextInt(LENGTH);
            for (int t = 0; t < length; t++) {
              mask.putScalar(i, t, 1);
              labels.putScalar(new int[] {i, series.getDouble(i, 0, t) > 0 ? 1 : 0, t}, 1);
            }
          }
          return new MultiDataSet(
              new INDArray[] {series},
              new INDArray[] {labels},
              new INDArray[] {mask},
              new INDArray[] {mask.dup()});
        });
  }

  /** Batches for the graph. */
  static List<MultiDataSet> graphBatches(int... sizes) {
    return batches(
        sizes,
        (random, size) -> {
          INDArray left = uniform(random, size, INPUTS);
          INDArray right = uniform(random, size, INPUTS);
          return new MultiDataSet(
              new INDArray[] {left, right},
              new INDArray[] {labels(left), uniform(random, size, 2)});
        });
  }

  private interface Maker {
    MultiDataSet make(Random random, int size);
  }

  private static List<MultiDataSet> batches(int[] sizes, Maker maker) {
    Random random = new Random(11);
    List<MultiDataSet> batches = new ArrayList<>();
    for (int size : sizes) {
      batches.add(maker.make(random, size));
    }
    return batches;
  }

  private static MultiDataSet denseBatch(Random random, int size) {
    INDArray features = uniform(random, size, INPUTS);
    return new MultiDataSet(features, labels(features));
  }

  private static INDArray labels(INDArray features) {
    int size = (int) features.size(0);
    INDArray labels = Nd4j.create(size, CLASSES);
    for (int i = 0; i < size; i++) {
      int label = features.getDouble(i, 0) > 0.3 ? 2 : features.getDouble(i, 1) > 0 ? 1 : 0;
      labels.putScalar(i, label, 1);
    }
    return labels;
  }

  private static INDArray uniform(Random random, long... shape) {
    INDArray array = Nd4j.create(shape);
    for (long i = 0; i < array.length(); i++) {
      array.putScalar(i, random.nextFloat() * 2 - 1);
    }
    return array;
  }

  private static OutputLayer output(int inputs) {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nIn(inputs)
        .nOut(CLASSES)
        .activation(Activation.SOFTMAX)
        .build();
  }
}
