package org.sparktune.trainer.run;

import java.util.Random;
import org.sparktune.trainer.engine.VectorOperators;
import org.sparktune.trainer.engine.cpu.CpuVectors;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.optim.ParameterLayout;
import org.sparktune.trainer.optim.Trainable;

/**
 * The smallest language model: logits = W[token] + b, with dropout on W's part. Its gradient is
 * written out, its parameters are in off-heap memory as a decoder's are, and its dropout depends on
 * {@link #reseed}, so a loop that loses any state shows in its bits.
 */
final class Bigram implements Trainable<Batch>, AutoCloseable {
  private final int vocabulary;
  private final double dropout;
  private final ParameterLayout layout = new ParameterLayout();
  private final Arena arena = new Arena("bigram");
  private final VectorOperators vectors = new CpuVectors(2);
  private final Tensor parameters;
  private final Tensor gradients;
  private final float[] probabilities;
  private float[] known;
  private Random random = new Random(0);
  private int calls;
  private int poisonedCall = -1;

  Bigram(int vocabulary, double dropout) {
    this.vocabulary = vocabulary;
    this.dropout = dropout;
    layout.add("bigram.weight", true, vocabulary, vocabulary);
    layout.add("bigram.bias", false, vocabulary);
    this.parameters = arena.allocate(DType.F32, layout.size());
    this.gradients = arena.allocate(DType.F32, layout.size());
    this.probabilities = new float[vocabulary];
    Random start = new Random(5);
    for (long i = 0; i < layout.size(); i++) {
      parameters.setFloat(i, (float) start.nextGaussian() * 0.1f);
    }
    parametersChanged();
  }

  /** Makes the n-th call of {@link #accumulate} return a loss that is not a number. */
  Bigram poison(int call) {
    poisonedCall = call;
    return this;
  }

  @Override
  public ParameterLayout layout() {
    return layout;
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
  public void parametersChanged() {
    known = parameters.toFloatArray();
  }

  @Override
  public void reseed(long seed) {
    random = new Random(seed);
  }

  @Override
  public long weight(Batch batch) {
    return batch.validTokens();
  }

  @Override
  public boolean isLogLikelihood() {
    return true;
  }

  @Override
  public LossSum accumulate(Batch batch, double lossScale) {
    if (calls++ == poisonedCall) {
      return new LossSum(Double.NaN, batch.validTokens());
    }
    double sum = 0;
    for (int i = 0; i < batch.tokens().length; i++) {
      if (batch.targets()[i] != Batch.IGNORED) {
        float kept = random.nextDouble() < dropout ? 0f : 1f;
        sum += loss(batch.tokens()[i], batch.targets()[i], kept);
        addGradient(batch.tokens()[i], batch.targets()[i], kept, (float) lossScale);
      }
    }
    return new LossSum(sum, batch.validTokens());
  }

  @Override
  public LossSum evaluate(Batch batch) {
    double sum = 0;
    for (int i = 0; i < batch.tokens().length; i++) {
      if (batch.targets()[i] != Batch.IGNORED) {
        sum += loss(batch.tokens()[i], batch.targets()[i], 1f);
      }
    }
    return new LossSum(sum, batch.validTokens());
  }

  @Override
  public void close() {
    arena.close();
  }

  private double loss(int token, int target, float kept) {
    double sum = 0;
    for (int v = 0; v < vocabulary; v++) {
      float logit = kept * known[token * vocabulary + v] + known[vocabulary * vocabulary + v];
      probabilities[v] = (float) StrictMath.exp(logit);
      sum += probabilities[v];
    }
    for (int v = 0; v < vocabulary; v++) {
      probabilities[v] /= (float) sum;
    }
    return -StrictMath.log(probabilities[target]);
  }

  private void addGradient(int token, int target, float kept, float scale) {
    for (int v = 0; v < vocabulary; v++) {
      float gradient = scale * (probabilities[v] - (v == target ? 1f : 0f));
      add((long) token * vocabulary + v, kept * gradient);
      add((long) vocabulary * vocabulary + v, gradient);
    }
  }

  private void add(long index, float value) {
    gradients.setFloat(index, gradients.getFloat(index) + value);
  }
}
