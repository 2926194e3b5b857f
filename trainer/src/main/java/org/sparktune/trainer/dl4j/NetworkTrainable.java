package org.sparktune.trainer.dl4j;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.VectorOperators;
import org.sparktune.trainer.engine.cpu.CpuVectors;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.optim.ParameterLayout;
import org.sparktune.trainer.optim.Trainable;

/**
 * A DL4J network as flat vectors. The parameters are the network's own. Gradients are added up in a
 * vector beside the network's, which every pass overwrites.
 *
 * <p>DL4J's gradient is the sum over a batch's examples, and its updater divides it by their number
 * unless the network is configured with {@code miniBatch(false)}; here that is the loss scale, so
 * that it is the number of examples of all ranks. What batch normalization reports for its running
 * statistics is no gradient but the difference to the batch's own statistics: batches count by
 * their examples in the step's average.
 */
public final class NetworkTrainable implements Trainable<MultiDataSet> {
  private final Network network;
  private final NetworkLayout layout;
  private final boolean averaged;
  private final INDArray sum;
  private final Tensor parameters;
  private final Tensor gradients;
  private final VectorOperators vectors = new CpuVectors(1);

  /**
   * @throws SparktuneException {@code UNSUPPORTED} if ranks cannot train the network in step
   */
  public NetworkTrainable(Network network) {
    requireSupported(network);
    this.network = network;
    this.layout = new NetworkLayout(network);
    this.averaged = network.model().conf().isMiniBatch();
    if (layout.names().size() != network.parameters().length()) {
      throw new IllegalStateException(
          "The layers have %d parameters, the network %d"
              .formatted(layout.names().size(), network.parameters().length()));
    }
    this.sum = Nd4j.create(network.parameters().length());
    this.parameters = tensor(network.parameters());
    this.gradients = tensor(sum);
  }

  /**
   * Refuses a network that ranks cannot train in step.
   *
   * @throws SparktuneException {@code UNSUPPORTED}, with every reason
   */
  public static void requireSupported(Network network) {
    if (!network.obstacles().isEmpty()) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "This network cannot be trained by all-reduce: %s."
              .formatted(String.join("; ", network.obstacles())),
          "Change its configuration, or train it on one machine with fit().");
    }
    if (network.parameters().length() == 0) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED, "This network has no parameters to train.", "");
    }
  }

  /** The network. */
  public Network network() {
    return network;
  }

  @Override
  public ParameterLayout layout() {
    return layout.names();
  }

  @Override
  public Tensor parameters() {
    return parameters;
  }

  @Override
  public Tensor gradients() {
    return gradients;
  }

  @Override
  public VectorOperators vectors() {
    return vectors;
  }

  @Override
  public void parametersChanged() {}

  @Override
  public void reseed(long seed) {
    // Dropout and weight noise draw from the calling thread's generator.
    Nd4j.getRandom().setSeed(seed);
  }

  @Override
  public LossSum accumulate(MultiDataSet batch, double lossScale) {
    long examples = examples(batch);
    network.gradients().assign(0); // layers without a gradient of their own leave theirs as it was
    double score = network.computeGradient(batch);
    double scale = averaged ? lossScale : 1;
    INDArray passed = network.gradients();
    if (scale != 1) {
      passed.muli(scale);
    }
    for (NetworkLayout.Layer layer : layout.layers()) {
      for (NetworkLayout.Parameter parameter : layer.parameters()) {
        if (!parameter.isGradient() && parameter.range().size() > 0) {
          view(passed, parameter.range().from(), parameter.range().to())
              .muli(lossScale * examples / scale);
        }
      }
    }
    sum.addi(passed);
    return lossSum(score, examples);
  }

  @Override
  public long weight(MultiDataSet batch) {
    return examples(batch);
  }

  @Override
  public LossSum evaluate(MultiDataSet batch) {
    return lossSum(network.score(batch), examples(batch));
  }

  /** DL4J's score is the mean loss or, without averaging, the sum, and regularization. */
  private LossSum lossSum(double score, long examples) {
    double loss = score - network.regularization();
    return new LossSum(averaged ? loss * examples : loss, examples);
  }

  /** DL4J's score of several batches together, from their summed loss. */
  double score(double lossSum, long examples) {
    return (averaged ? lossSum / examples : lossSum) + network.regularization();
  }

  /** The examples of a batch. */
  public static long examples(MultiDataSet batch) {
    return batch.getFeatures(0).size(0);
  }

  NetworkLayout networkLayout() {
    return layout;
  }

  /** {@link #gradients()} as ND4J sees it. */
  INDArray gradientSum() {
    return sum;
  }

  static INDArray view(INDArray vector, long from, long to) {
    return vector.get(NDArrayIndex.interval(from, to));
  }

  private static Tensor tensor(INDArray vector) {
    long address = vector.data().address() + vector.offset() * Float.BYTES;
    return Tensor.at(DType.F32, address, vector.length());
  }
}
