package org.sparktune.trainer.dl4j;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** What DL4J's two kinds of networks have in common, which DL4J has no type for. */
public sealed interface Network permits LayeredNetwork, GraphNetwork {

  /** Wraps a network; it is initialized if it was not yet. */
  static Network of(Model model) {
    if (model instanceof MultiLayerNetwork layered) {
      return new LayeredNetwork(layered);
    }
    if (model instanceof ComputationGraph graph) {
      return new GraphNetwork(graph);
    }
    throw new IllegalArgumentException(
        "%s is neither a MultiLayerNetwork nor a ComputationGraph".formatted(model.getClass()));
  }

  /**
   * Makes a network from {@link #json}, with the counters that are in it.
   *
   * @param graph whether it is a graph
   * @param parameters {@code (P)}, copied
   */
  static Network restore(boolean graph, String json, float[] parameters) {
    return graph
        ? GraphNetwork.restore(json, parameters)
        : LayeredNetwork.restore(json, parameters);
  }

  /** The network. */
  Model model();

  /** Whether it is a graph. */
  boolean isGraph();

  /** Its configuration, iteration and epoch counters included. */
  String json();

  /** Layers, or a graph's vertices, with parameters, in the order of the flat vectors. */
  Map<String, Trainable> parts();

  /** All parameters, {@code (P)}, a view. */
  INDArray parameters();

  /** Where a backward pass leaves the gradient, {@code (P)}, a view. */
  INDArray gradients();

  /** Steps made so far. */
  int iteration();

  /** Epochs made so far. */
  int epoch();

  /** Sets the number of steps made, for schedules. */
  void setIteration(int iteration);

  /** Sets the number of epochs made, for schedules. */
  void setEpoch(int epoch);

  /** The loss with regularization of the last pass, the mean over its examples. */
  void setScore(double score);

  /**
   * Forward and backward pass; overwrites {@link #gradients()}.
   *
   * @return the mean loss over the examples, with regularization
   */
  double computeGradient(MultiDataSet batch);

  /** The mean loss over the examples, with regularization, without dropout. */
  double score(MultiDataSet batch);

  /** What regularization adds to the loss. */
  double regularization();

  /** Applies the layers' constraints to the parameters. */
  void applyConstraints();

  /** The updater that the network uses when it is trained by itself; its state is initialized. */
  Updater updater();

  /** Attaches listeners, in place of those it had. */
  void listen(Collection<? extends TrainingListener> listeners);

  /** Why this network cannot be trained in step; empty if it can. */
  List<String> obstacles();
}
