package org.sparktune.trainer.dl4j;

import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.ExactSum;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.collective.Slices.Range;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.optim.Ownership;

/**
 * DL4J's gradient normalization and clipping, by layer or by parameter, when no rank holds the
 * whole gradient: every rank adds up the squares of what it owns, in blocks of fixed place, the
 * ranks add theirs exactly, and each scales its own part. So the norms' bits don't depend on the
 * number of ranks.
 */
final class GradientNorms {
  /** DL4J's stand-in for a norm of zero. */
  private static final double SMALLEST_NORM = 1e-5;

  private static final int GROUPS_AT_ONCE = Collective.MAX_NUMBERS / ExactSum.LENGTH;

  /** A layer or parameter with a norm of its own. */
  private record Group(GradientNormalization normalization, double threshold, Range range) {}

  private final List<Group> groups = new ArrayList<>();
  private final List<Group> clipped = new ArrayList<>();
  private final List<Range> owned;
  private final Tensor gradients;
  private final INDArray vector;

  GradientNorms(NetworkTrainable trainable, Ownership ownership) {
    this.owned = ownership.ranges();
    this.gradients = trainable.gradients();
    this.vector = trainable.gradientSum();
    for (NetworkLayout.Layer layer : trainable.networkLayout().layers()) {
      GradientNormalization normalization = layer.normalization();
      double threshold = layer.layer().getConfig().getGradientNormalizationThreshold();
      switch (normalization) {
        case None -> {}
        case ClipElementWiseAbsoluteValue ->
            clipped.add(new Group(normalization, threshold, layer.range()));
        case RenormalizeL2PerLayer, ClipL2PerLayer ->
            groups.add(new Group(normalization, threshold, layer.range()));
        case RenormalizeL2PerParamType, ClipL2PerParamType -> {
          for (NetworkLayout.Parameter parameter : layer.parameters()) {
            groups.add(new Group(normalization, threshold, parameter.range()));
          }
        }
      }
    }
  }

  /** Whether anything has to be known of other ranks' gradients, or changed in this rank's. */
  boolean areNeeded() {
    return !groups.isEmpty() || !clipped.isEmpty();
  }

  /** Normalizes this rank's owned gradients; all ranks call it. */
  void apply(Collective collective) {
    for (Group group : clipped) {
      for (Range range : owned) {
        clip(ShardedUpdater.common(group.range(), range), group.threshold());
      }
    }
    for (int from = 0; from < groups.size(); from += GROUPS_AT_ONCE) {
      List<Group> some = groups.subList(from, Math.min(groups.size(), from + GROUPS_AT_ONCE));
      double[] norms = norms(some, collective);
      for (int i = 0; i < norms.length; i++) {
        scale(some.get(i), norms[i]);
      }
    }
  }

  private double[] norms(List<Group> some, Collective collective) {
    long[] numbers = new long[some.size() * ExactSum.LENGTH];
    ExactSum sum = new ExactSum();
    for (int i = 0; i < some.size(); i++) {
      sum.clear();
      for (Range range : owned) {
        addSquares(ShardedUpdater.common(some.get(i).range(), range), sum);
      }
      sum.writeTo(numbers, i * ExactSum.LENGTH);
    }
    collective.sum(numbers);
    double[] norms = new double[some.size()];
    for (int i = 0; i < norms.length; i++) {
      sum.readFrom(numbers, i * ExactSum.LENGTH);
      norms[i] = Math.sqrt(sum.value());
    }
    return norms;
  }

  /** Adds the squares block by block; no slice begins within a block. */
  private void addSquares(Range range, ExactSum sum) {
    long from = range.from();
    while (from < range.to()) {
      long to = Math.min(range.to(), (from / Slices.ALIGNMENT + 1) * Slices.ALIGNMENT);
      double block = 0;
      for (long i = from; i < to; i++) {
        double gradient = gradients.getFloat(i);
        block += gradient * gradient;
      }
      sum.add(block);
      from = to;
    }
  }

  private void scale(Group group, double norm) {
    double divisor =
        switch (group.normalization()) {
          case RenormalizeL2PerLayer, RenormalizeL2PerParamType -> norm == 0 ? SMALLEST_NORM : norm;
          case ClipL2PerLayer, ClipL2PerParamType ->
              norm > group.threshold() ? norm / group.threshold() : 1;
          case None, ClipElementWiseAbsoluteValue -> 1;
        };
    if (divisor == 1) {
      return;
    }
    for (Range range : owned) {
      Range part = ShardedUpdater.common(group.range(), range);
      if (part.size() > 0) {
        NetworkTrainable.view(vector, part.from(), part.to()).divi(divisor);
      }
    }
  }

  private void clip(Range part, double threshold) {
    if (part.size() > 0) {
      Nd4j.getExecutioner()
          .exec(
              DynamicCustomOp.builder("clipbyvalue")
                  .addInputs(NetworkTrainable.view(vector, part.from(), part.to()))
                  .callInplace(true)
                  .addFloatingPointArguments(-threshold, threshold)
                  .build());
    }
  }
}
