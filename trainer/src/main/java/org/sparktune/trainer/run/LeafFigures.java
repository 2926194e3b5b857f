package org.sparktune.trainer.run;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparktune.trainer.optim.GradientTree;
import org.sparktune.trainer.optim.Trainable.LossSum;

/**
 * The summed loss and other figures of every micro-batch of a step, by its place in the gradients'
 * tree: sums over the step have the same bits at any number of ranks.
 */
final class LeafFigures {
  private final List<String> names;
  private final int leaves;

  /** The losses of all leaves, then each figure of all leaves. */
  private final double[] sums;

  LeafFigures(int leaves, List<String> names) {
    this.names = names;
    this.leaves = leaves;
    this.sums = new double[leaves * (1 + names.size())];
  }

  void set(int leaf, LossSum sum) {
    if (sum.figures().size() != names.size()) {
      throw new IllegalArgumentException(
          "%d figures named %s".formatted(sum.figures().size(), names));
    }
    sums[leaf] = sum.sum();
    for (int i = 0; i < names.size(); i++) {
      sums[(i + 1) * leaves + leaf] = sum.figures().get(i);
    }
  }

  double loss(int leaf) {
    return sums[leaf];
  }

  double sumOfLosses() {
    return sum(0);
  }

  /** The figures by name, each divided by what it was summed over. */
  SortedMap<String, Double> means(long weight) {
    SortedMap<String, Double> means = new TreeMap<>();
    for (int i = 0; i < names.size(); i++) {
      means.put(names.get(i), sum(i + 1) / weight);
    }
    return means;
  }

  private double sum(int figure) {
    double[] ofLeaves = new double[leaves];
    System.arraycopy(sums, figure * leaves, ofLeaves, 0, leaves);
    return GradientTree.sum(ofLeaves);
  }

  /** How many numbers {@link #writeTo} writes. */
  int length() {
    return sums.length;
  }

  /** Writes bits that ranks may add, because only one of them has a leaf's. */
  void writeTo(long[] numbers) {
    for (int i = 0; i < sums.length; i++) {
      numbers[i] = Double.doubleToRawLongBits(sums[i]);
    }
  }

  void readFrom(long[] numbers) {
    for (int i = 0; i < sums.length; i++) {
      sums[i] = Double.longBitsToDouble(numbers[i]);
    }
  }
}
