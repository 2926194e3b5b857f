package org.sparktune.trainer.dl4j;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** A {@link ComputationGraph}. */
record GraphNetwork(ComputationGraph network) implements Network {

  GraphNetwork {
    network.init(); // does nothing the second time
    if (network.getGradientsViewArray() == null) {
      network.initGradientsView();
    }
  }

  static GraphNetwork restore(String json, float[] parameters) {
    ComputationGraph network = new ComputationGraph(ComputationGraphConfiguration.fromJson(json));
    network.init(Nd4j.createFromArray(new float[][] {parameters}), false);
    return new GraphNetwork(network);
  }

  @Override
  public Model model() {
    return network;
  }

  @Override
  public boolean isGraph() {
    return true;
  }

  @Override
  public String json() {
    return network.getConfiguration().toJson();
  }

  @Override
  public Map<String, Trainable> parts() {
    Map<String, Trainable> parts = new LinkedHashMap<>();
    GraphVertex[] vertices = network.getVertices();
    for (int index : network.topologicalSortOrder()) {
      if (vertices[index].numParams() > 0) {
        parts.put(vertices[index].getVertexName(), vertices[index]);
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
    network.getConfiguration().setIterationCount(iteration);
  }

  @Override
  public void setEpoch(int epoch) {
    network.getConfiguration().setEpochCount(epoch);
  }

  @Override
  public void setScore(double score) {
    network.setScore(score);
  }

  @Override
  public double computeGradient(MultiDataSet batch) {
    network.setInputs(batch.getFeatures());
    network.setLabels(batch.getLabels());
    network.setLayerMaskArrays(batch.getFeaturesMaskArrays(), batch.getLabelsMaskArrays());
    network.computeGradientAndScore();
    double score = network.score();
    network.clearLayerMaskArrays();
    network.clearLayersStates();
    network.rnnClearPreviousState();
    return score;
  }

  @Override
  public double score(MultiDataSet batch) {
    return network.score(batch, false);
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
    ComputationGraphConfiguration configuration = network.getConfiguration();
    return Obstacles.of(
        configuration.getDataType(),
        configuration.getBackpropType(),
        configuration.getDefaultConfiguration());
  }
}
