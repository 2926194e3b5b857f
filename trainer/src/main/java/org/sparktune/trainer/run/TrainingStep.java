package org.sparktune.trainer.run;

import java.util.List;
import java.util.SortedMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Agreement;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.ExactSum;
import org.sparktune.trainer.dataset.Seeds;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.optim.GradientClipping;
import org.sparktune.trainer.optim.GradientTree;
import org.sparktune.trainer.optim.Optimizer;
import org.sparktune.trainer.optim.Trainable;

/**
 * One optimizer step: the gradients of its micro-batches, each scaled by one over the valid tokens
 * of the whole step, summed in the fixed tree over all ranks, clipped, and given to the optimizer
 * of each slice's owner. All ranks come to the same numbers, and to the same failures.
 */
final class TrainingStep implements StepMaker {
  private final Trainable<Batch> trainable;
  private final TrainingOptions options;
  private final Optimizer optimizer;
  private final GradientTree tree;
  private final GradientExchange exchange;
  private final Collective collective;
  private final Agreement agreement;
  private final RowPlaces rowPlaces;

  TrainingStep(
      Trainable<Batch> trainable,
      TrainingOptions options,
      Optimizer optimizer,
      GradientTree tree,
      GradientExchange exchange,
      Collective collective,
      RowPlaces rowPlaces) {
    this.trainable = trainable;
    this.options = options;
    this.optimizer = optimizer;
    this.tree = tree;
    this.exchange = exchange;
    this.collective = collective;
    this.agreement = new Agreement(collective);
    this.rowPlaces = rowPlaces;
  }

  /**
   * What a step did.
   *
   * @param loss mean over what the objective averages over, before the update
   * @param gradientNorm before clipping
   * @param tokens all tokens of the step
   * @param figures the objective's other means, by name
   */
  record Outcome(
      double loss, double gradientNorm, long tokens, SortedMap<String, Double> figures) {}

  /** A loss or a gradient is not a finite number; the parameters have not been touched. */
  static final class NotFiniteException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String places;

    NotFiniteException(String message, String places) {
      super(message);
      this.places = places;
    }

    /** The rows that led to it, and the input behind them. */
    String places() {
      return places;
    }
  }

  @Override
  public Outcome make(long step, StepReader.Step batches, double learningRate)
      throws NotFiniteException {
    collective.beginStep(step);
    List<MicroBatch> own = batches.microBatches();
    long[] sizes = sizes(own);
    collective.sum(sizes);
    long weight = sizes[0];
    if (weight == 0) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "Nothing of step %d carries loss: %s.".formatted(step + 1, places(own)),
          "Check the loss masks of the dataset.");
    }
    LeafFigures sums = accumulate(step, batches, 1.0 / weight);
    double norm = agree(sums, exchange.finish(optimizer));
    requireFinite(sums, batches);
    if (!Double.isFinite(norm)) {
      throw new NotFiniteException("the gradient's norm is " + norm, places(own));
    }
    optimizer.begin(learningRate, GradientClipping.factor(options.maxGradNorm(), norm));
    exchange.update(optimizer);
    trainable.parametersChanged();
    return new Outcome(sums.sumOfLosses() / weight, norm, sizes[1], sums.means(weight));
  }

  /** What the objective averages over, and all tokens. */
  private long[] sizes(List<MicroBatch> microBatches) {
    long weight = 0;
    long tokens = 0;
    for (MicroBatch microBatch : microBatches) {
      weight += trainable.weight(microBatch.batch());
      tokens += microBatch.batch().tokens().length;
    }
    return new long[] {weight, tokens};
  }

  /**
   * Leaves the sum of this rank's gradients in the trainable's vector, on its way to the others.
   *
   * @return the sums of each micro-batch of the step, 0 for those of other ranks; after a loss that
   *     is not finite nothing more is computed
   */
  private LeafFigures accumulate(long step, StepReader.Step batches, double lossScale) {
    LeafFigures sums = new LeafFigures(batches.leaves(), trainable.figures());
    tree.begin();
    exchange.begin();
    int count = batches.microBatches().size();
    for (int i = 0; i < count; i++) {
      int leaf = batches.firstLeaf() + i;
      Batch batch = batches.microBatches().get(i).batch();
      boolean last = i + 1 == count;
      if (trainable.weight(batch) > 0) {
        trainable.reseed(Seeds.derive(options.seed(), step, leaf));
        sums.set(
            leaf,
            last
                ? trainable.accumulate(batch, lossScale, exchange)
                : trainable.accumulate(batch, lossScale));
      }
      if (!Double.isFinite(sums.loss(leaf))) {
        break;
      }
      if (!last) {
        tree.next();
      }
    }
    return sums;
  }

  /**
   * Brings all ranks' sums and the gradient's norm to every rank, in one message.
   *
   * @param sums filled in
   * @param squares of the gradients that this rank owns
   * @return the norm
   */
  private double agree(LeafFigures sums, ExactSum squares) {
    long[] numbers = new long[sums.length() + ExactSum.LENGTH];
    sums.writeTo(numbers);
    squares.writeTo(numbers, sums.length());
    agreement.sum(numbers);
    sums.readFrom(numbers);
    squares.readFrom(numbers, sums.length());
    return Math.sqrt(squares.value());
  }

  private void requireFinite(LeafFigures sums, StepReader.Step batches) throws NotFiniteException {
    for (int leaf = 0; leaf < batches.leaves(); leaf++) {
      if (!Double.isFinite(sums.loss(leaf))) {
        int index = leaf - batches.firstLeaf();
        boolean own = index >= 0 && index < batches.microBatches().size();
        List<MicroBatch> found = own ? List.of(batches.microBatches().get(index)) : List.of();
        throw new NotFiniteException("the loss is " + sums.loss(leaf), places(found));
      }
    }
  }

  /** The places of rows on all ranks, for a failure that all of them have come to. */
  private String places(List<MicroBatch> own) {
    List<String> places = agreement.gather(rowPlaces.describe(own));
    agreement.settle();
    return String.join("; ", places.stream().filter(text -> !text.isEmpty()).toList());
  }
}
