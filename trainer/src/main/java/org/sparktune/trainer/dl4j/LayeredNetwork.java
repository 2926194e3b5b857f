package org.sparktune.trainer.dl4j;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** A {@link MultiLayerNetwork}. */
record LayeredNetwork(MultiLayerNetwork network) implements Network {

  LayeredNetwork {
    if (!network.isInitCalled()) {
      network.init();
    }
    if (network.getGradientsViewArray() == null) {
      network.initGradientsView();
    }
  }

  static LayeredNetwork restore(String json, float[] parameters) {
    MultiLayerNetwork network = new MultiLayerNetwork(MultiLayerConfiguration.fromJson(json));
    network.init(Nd4j.createFromArray(new float[][] {parameters}), false);
    return new LayeredNetwork(network);
  }

  @Override
  public Model model() {
    return network;
  }

  @Override
  public boolean isGraph() {
    return false;
  }

  @Override
  public String json() {
    return network.getLayerWiseConfigurations().toJson();
  }

  @Override
  public Map<String, Trainable> parts() {
    Map<String, Trainable> parts = new LinkedHashMap<>();
    Layer[] layers = network.getLayers();
    for (int i = 0; i < layers.length; i++) {
      if (layers[i].numParams() > 0) {
        parts.put(Integer.toString(i), layers[i]);
      }
    }
    return parts;
  }

  @Override
  public INDArray parameters() {
    return network.params().reshape(network.numParams());
  }

  @Override
  public INDArray gradients() {
    return network.getGradientsViewArray().reshape(network.numParams());
  }

  @Override
  public int iteration() {
    return network.getIterationCount();
  }

  @Override
  public int epoch() {
    return network.getEpochCount();
  }

  @Override
  public void setIteration(int iteration) {
    network.setIterationCount(iteration);
  }

  @Override
  public void setEpoch(int epoch) {
    network.setEpochCount(epoch);
  }

  @Override
  public void setScore(double score) {
    network.setScore(score);
  }

  @Override
  public double computeGradient(MultiDataSet batch) {
    enter(batch);
    network.computeGradientAndScore();
    double score = network.score();
    leave();
    return score;
  }

  @Override
  public double score(MultiDataSet batch) {
    INDArray featuresMask = only(batch.getFeaturesMaskArrays());
    INDArray labelsMask = only(batch.getLabelsMaskArrays());
    return network.score(
        new org.nd4j.linalg.dataset.DataSet(
            single(batch.getFeatures(), "features"),
            single(batch.getLabels(), "labels"),
            featuresMask,
            labelsMask),
        false);
  }

  @Override
  public double regularization() {
    return network.calcRegularizationScore(true);
  }

  @Override
  public void applyConstraints() {
    network.applyConstraints(iteration(), epoch());
  }

  @Override
  public Updater updater() {
    return network.getUpdater(true);
  }

  @Override
  public void listen(Collection<? extends TrainingListener> listeners) {
    network.setListeners(List.copyOf(listeners));
  }

  @Override
  public List<String> obstacles() {
    MultiLayerConfiguration configuration = network.getLayerWiseConfigurations();
    return Obstacles.of(
        configuration.getDataType(),
        configuration.getBackpropType(),
        network.getDefaultConfiguration());
  }

  private void enter(MultiDataSet batch) {
    network.setInput(single(batch.getFeatures(), "features"));
    network.setLabels(single(batch.getLabels(), "labels"));
    network.setLayerMaskArrays(
        only(batch.getFeaturesMaskArrays()), only(batch.getLabelsMaskArrays()));
  }

  /** What {@code fit} does after a pass, so that nothing is carried from one batch to the next. */
  private void leave() {
    network.clearLayerMaskArrays();
    network.clearLayersStates();
    network.rnnClearPreviousState();
  }

  private static INDArray single(INDArray[] arrays, String name) {
    if (arrays == null || arrays.length != 1) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "A data set has %d arrays of %s, a MultiLayerNetwork takes one."
              .formatted(arrays == null ? 0 : arrays.length, name),
          "Use a ComputationGraph for several inputs or outputs.");
    }
    return arrays[0];
  }

  private static INDArray only(INDArray[] masks) {
    return masks == null || masks.length == 0 ? null : masks[0];
  }
}
