package org.sparktune.trainer.dl4j;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.updater.UpdaterUtils;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.IUpdater;
import org.sparktune.trainer.collective.Slices.Range;
import org.sparktune.trainer.optim.ParameterLayout;

/**
 * Where everything lies in a network's flat vectors: parameters, layers, and the blocks of
 * neighbouring parameters with the same updater whose state DL4J keeps together.
 *
 * <pre>
 *   parameters   | 0_W        | 0_b | 1_W          | 1_b |
 *   layers       | 0                | 1                  |
 *   blocks       | Adam             | Nesterovs          |
 *   state        | m 0_W 0_b | v 0_W 0_b | v 1_W 1_b    |
 * </pre>
 */
final class NetworkLayout {

  /**
   * One parameter of a layer.
   *
   * @param layer whose it is
   * @param name the layer's name for it, such as {@code W}
   * @param range its place
   */
  record Parameter(Trainable layer, String name, Range range) {
    /** Whether its gradient is one; batch normalization's running statistics are differences. */
    boolean isGradient() {
      return layer.updaterDivideByMinibatch(name);
    }
  }

  /**
   * A layer.
   *
   * @param parameters its parameters, which follow each other
   */
  record Layer(Trainable layer, List<Parameter> parameters) {
    Range range() {
      return new Range(
          parameters.get(0).range().from(), parameters.get(parameters.size() - 1).range().to());
    }

    GradientNormalization normalization() {
      GradientNormalization normalization = layer.getConfig().getGradientNormalization();
      return normalization == null ? GradientNormalization.None : normalization;
    }
  }

  /**
   * Parameters with the same updater.
   *
   * @param stateOffset where its state begins in the network's
   * @param vectors how many numbers the updater keeps for a parameter
   */
  record Block(IUpdater updater, List<Parameter> parameters, long stateOffset, int vectors) {
    Range range() {
      return new Range(
          parameters.get(0).range().from(), parameters.get(parameters.size() - 1).range().to());
    }

    /** Trained only by layer-wise pre-training, which is not ours. */
    boolean isPretrained() {
      Parameter first = parameters.get(0);
      return first.layer().getConfig().isPretrainParam(first.name());
    }
  }

  private final ParameterLayout names = new ParameterLayout();
  private final List<Layer> layers = new ArrayList<>();
  private final List<Block> blocks = new ArrayList<>();
  private long stateSize;

  NetworkLayout(Network network) {
    List<Parameter> run = new ArrayList<>();
    for (Map.Entry<String, Trainable> part : network.parts().entrySet()) {
      Trainable layer = part.getValue();
      List<Parameter> parameters = new ArrayList<>();
      for (Map.Entry<String, INDArray> entry : layer.paramTable(false).entrySet()) {
        long from = names.size();
        names.add(part.getKey() + "_" + entry.getKey(), false, entry.getValue().shape());
        Parameter parameter = new Parameter(layer, entry.getKey(), new Range(from, names.size()));
        parameters.add(parameter);
        if (!run.isEmpty() && !sameUpdater(run.get(run.size() - 1), parameter)) {
          addBlock(run);
          run = new ArrayList<>();
        }
        run.add(parameter);
      }
      layers.add(new Layer(layer, List.copyOf(parameters)));
    }
    if (!run.isEmpty()) {
      addBlock(run);
    }
  }

  /** Names and shapes in the order of the flat vectors. */
  ParameterLayout names() {
    return names;
  }

  /** Layers with parameters. */
  List<Layer> layers() {
    return layers;
  }

  /** Blocks of the same updater, as DL4J forms them. */
  List<Block> blocks() {
    return blocks;
  }

  /** Floats of the updaters' state of the whole network. */
  long stateSize() {
    return stateSize;
  }

  private void addBlock(List<Parameter> parameters) {
    Parameter first = parameters.get(0);
    IUpdater updater = first.layer().getConfig().getUpdaterByParam(first.name());
    int vectors = Math.toIntExact(updater.stateSize(1));
    Block block = new Block(updater, List.copyOf(parameters), stateSize, vectors);
    blocks.add(block);
    stateSize += vectors * block.range().size();
  }

  private static boolean sameUpdater(Parameter a, Parameter b) {
    return UpdaterUtils.updaterConfigurationsEquals(a.layer(), a.name(), b.layer(), b.name());
  }
}
