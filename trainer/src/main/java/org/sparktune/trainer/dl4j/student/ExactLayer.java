package org.sparktune.trainer.dl4j.student;

import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLayer;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * A SameDiff layer {@code (N, d, L)} to {@code (N, d, L)} with the gradient that its definition
 * has. DL4J 1.0.0-M2.1 hands the gradient of a SameDiff layer's output to SameDiff twice, so that
 * every gradient behind it is doubled, once more for each such layer; here it gets half of it. A
 * test compares with differences of the loss.
 */
abstract class ExactLayer extends SameDiffLayer {
  private static final long serialVersionUID = 1L;

  /** d; not final, for DL4J's JSON. */
  @JsonProperty private long size;

  /** For DL4J's JSON. */
  ExactLayer() {}

  /**
   * @param size d
   */
  ExactLayer(long size) {
    this.size = size;
  }

  final long size() {
    return size;
  }

  @Override
  public final InputType getOutputType(int layerIndex, InputType inputType) {
    return inputType;
  }

  @Override
  public final void setNIn(InputType inputType, boolean override) {
    // The size is given.
  }

  @Override
  public final InputPreProcessor getPreProcessorForInputType(InputType inputType) {
    return null;
  }

  @Override
  public final Layer instantiate(
      NeuralNetConfiguration configuration,
      Collection<TrainingListener> listeners,
      int index,
      INDArray parameters,
      boolean initialize,
      DataType type) {
    Halved layer = new Halved(configuration, type);
    layer.setIndex(index);
    layer.setParamsViewArray(parameters);
    Map<String, INDArray> table = initializer().init(configuration, parameters, initialize);
    layer.setParamTable(table);
    layer.setConf(configuration);
    return layer;
  }

  @Override
  public final boolean equals(Object other) {
    return other instanceof ExactLayer same
        && same.getClass() == getClass()
        && super.equals(same)
        && same.size == size;
  }

  @Override
  public final int hashCode() {
    return Objects.hash(super.hashCode(), size);
  }

  /** Gives SameDiff half of what it will take twice. */
  private static final class Halved extends org.deeplearning4j.nn.layers.samediff.SameDiffLayer {
    private static final long serialVersionUID = 1L;

    Halved(NeuralNetConfiguration configuration, DataType type) {
      super(configuration, type);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(
        INDArray epsilon, LayerWorkspaceMgr workspaces) {
      return super.backpropGradient(epsilon.muli(0.5), workspaces);
    }
  }
}
