package org.sparktune.trainer.dl4j;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.sparktune.trainer.collective.Slices.Range;
import org.sparktune.trainer.optim.Ownership;

/**
 * The updaters that a network is configured with, for what one rank owns (ZeRO-1): L1, L2 and
 * weight decay, learning-rate schedules and the updaters' formulas are DL4J's own, called for parts
 * of its blocks. The formulas of ND4J's updaters work on each parameter by itself, so the parts
 * give what the whole gives; an updater of a user's own has to do the same.
 */
public final class ShardedUpdater {

  /** A block's part within one owned slice. */
  private record Segment(
      NetworkLayout.Block block,
      Range range,
      List<Piece> pieces,
      GradientUpdater<?> updater,
      INDArray parameters,
      INDArray gradients) {}

  /** A parameter's part within a segment. */
  private record Piece(
      NetworkLayout.Parameter parameter, INDArray parameters, INDArray gradients) {}

  private final List<List<Segment>> segments = new ArrayList<>();
  private final List<Range> stateRanges;
  private final INDArray state;

  /**
   * @param owned what this rank owns
   */
  ShardedUpdater(NetworkTrainable trainable, Ownership owned) {
    NetworkLayout layout = trainable.networkLayout();
    this.stateRanges = stateRanges(layout, owned);
    long size = size(stateRanges);
    this.state = size == 0 ? null : Nd4j.create(size);
    long offset = 0;
    for (Ownership.Slice slice : owned.slices()) {
      List<Segment> ofSlice = new ArrayList<>();
      for (NetworkLayout.Block block : layout.blocks()) {
        Range range = common(block.range(), slice.range());
        if (range.size() > 0) {
          long length = range.size() * block.vectors();
          INDArray view =
              length == 0 ? null : NetworkTrainable.view(state, offset, offset + length);
          ofSlice.add(segment(trainable, block, range, view));
          offset += length;
        }
      }
      segments.add(ofSlice);
    }
  }

  /**
   * Which parts of a network's updater state, as DL4J lays it out, a rank keeps, in its order.
   *
   * @param owned what the rank owns of the parameters
   */
  static List<Range> stateRanges(NetworkLayout layout, Ownership owned) {
    List<Range> ranges = new ArrayList<>();
    for (Ownership.Slice slice : owned.slices()) {
      for (NetworkLayout.Block block : layout.blocks()) {
        Range range = common(block.range(), slice.range());
        for (int vector = 0; vector < block.vectors() && range.size() > 0; vector++) {
          long start =
              block.stateOffset()
                  + vector * block.range().size()
                  + range.from()
                  - block.range().from();
          ranges.add(new Range(start, start + range.size()));
        }
      }
    }
    return ranges;
  }

  /** Bytes of updater state that this rank holds. */
  public long stateBytes() {
    return state == null ? 0 : state.length() * Float.BYTES;
  }

  /** The state in this rank's order; empty if its updaters keep none. */
  public float[] state() {
    return state == null ? new float[0] : state.toFloatVector();
  }

  /** Takes over a state in this rank's order. */
  public void restore(float[] values) {
    if (values.length != size(stateRanges)) {
      throw new IllegalArgumentException(
          "%d floats of state, this rank keeps %d".formatted(values.length, size(stateRanges)));
    }
    if (state != null) {
      state.assign(Nd4j.createFromArray(values));
    }
  }

  /**
   * Updates the parameters of one owned slice; its gradients are overwritten.
   *
   * @param slice index of the bucket
   * @param iteration steps made before
   * @param epoch epochs made before
   */
  void update(int slice, int iteration, int epoch) {
    for (Segment segment : segments.get(slice)) {
      if (segment.block().isPretrained()) {
        continue;
      }
      IUpdater configuration = segment.block().updater();
      double learningRate =
          configuration.hasLearningRate() ? configuration.getLearningRate(iteration, epoch) : 1;
      regularize(segment, Regularization.ApplyStep.BEFORE_UPDATER, learningRate, iteration, epoch);
      segment.updater().applyUpdater(segment.gradients(), iteration, epoch);
      regularize(segment, Regularization.ApplyStep.POST_UPDATER, learningRate, iteration, epoch);
      segment.parameters().subi(segment.gradients());
    }
  }

  private static void regularize(
      Segment segment,
      Regularization.ApplyStep when,
      double learningRate,
      int iteration,
      int epoch) {
    for (Piece piece : segment.pieces()) {
      NetworkLayout.Parameter parameter = piece.parameter();
      List<Regularization> all =
          parameter.layer().getConfig().getRegularizationByParam(parameter.name());
      if (all == null) {
        continue;
      }
      for (Regularization regularization : all) {
        if (regularization.applyStep() == when) {
          regularization.apply(
              piece.parameters(), piece.gradients(), learningRate, iteration, epoch);
        }
      }
    }
  }

  private static Segment segment(
      NetworkTrainable trainable, NetworkLayout.Block block, Range range, INDArray view) {
    INDArray parameters = trainable.network().parameters();
    INDArray gradients = trainable.gradientSum();
    List<Piece> pieces = new ArrayList<>();
    for (NetworkLayout.Parameter parameter : block.parameters()) {
      Range part = common(parameter.range(), range);
      if (part.size() > 0) {
        pieces.add(
            new Piece(
                parameter,
                NetworkTrainable.view(parameters, part.from(), part.to()),
                NetworkTrainable.view(gradients, part.from(), part.to())));
      }
    }
    return new Segment(
        block,
        range,
        pieces,
        block.updater().instantiate(view, true),
        NetworkTrainable.view(parameters, range.from(), range.to()),
        NetworkTrainable.view(gradients, range.from(), range.to()));
  }

  static Range common(Range a, Range b) {
    long from = Math.max(a.from(), b.from());
    return new Range(from, Math.max(from, Math.min(a.to(), b.to())));
  }

  private static long size(List<Range> ranges) {
    long size = 0;
    for (Range range : ranges) {
      size += range.size();
    }
    return size;
  }
}
