package org.sparktune.trainer.model;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.LowRank;
import org.sparktune.trainer.engine.LowRankGradient;
import org.sparktune.trainer.engine.LowRanks;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.Tensor;

/**
 * Linear modules that read the same input: {@code y = x·Wᵀ + b + s·(x·Aᵀ)·Bᵀ}, with the matrices of
 * neighbours and the A factors of all modules each multiplied as one.
 */
final class ProjectionGroup {

  /**
   * A matrix of neighbouring modules.
   *
   * @param weight {@code (out, in)}
   * @param bias {@code (out)} or null
   * @param dWeight {@code (out, in)} or null when frozen
   * @param dBias {@code (out)} or null
   */
  record Base(Weight weight, Tensor bias, Tensor dWeight, Tensor dBias) {}

  /**
   * The factors of the modules that have some.
   *
   * @param down {@code (Σr, in)}: all A factors
   * @param dDown {@code (Σr, in)}
   * @param ups each module's B
   */
  record Factors(Tensor down, Tensor dDown, List<Up> ups) {}

  /**
   * One module's B factor.
   *
   * @param block the module's index in the group
   * @param up {@code (out, r)}
   * @param dUp {@code (out, r)}
   * @param scale s
   */
  record Up(int block, Tensor up, Tensor dUp, float scale) {}

  private final Engine engine;
  private final GroupPlan plan;
  private final List<Base> bases;
  private final Factors factors;
  private final Dora dora;
  private final long seedSalt;

  private final Columns outputBases;
  private final Columns addendBases;
  private final Columns outputModules;
  private final Columns reducedModules;
  private final Columns gradientBases;
  private final Columns reducedGradientModules;
  private final LeadingColumns reducedGradient;
  private final LeadingColumns dropped;
  private final LeadingColumns droppedGradient;

  /**
   * @param factors null without
   * @param dora null without
   * @param seedSalt makes this group drop other elements than others
   */
  ProjectionGroup(
      Engine engine, GroupPlan plan, List<Base> bases, Factors factors, Dora dora, long seedSalt) {
    this.engine = engine;
    this.plan = plan;
    this.bases = List.copyOf(bases);
    this.factors = factors;
    this.dora = dora;
    this.seedSalt = seedSalt;
    int[] baseBounds = bounds(bases.stream().map(base -> (int) base.weight().out()).toList());
    int[] moduleBounds = bounds(plan.modules().stream().map(GroupPlan.Module::out).toList());
    List<Integer> ranks = new ArrayList<>();
    plan.modules().stream().map(GroupPlan.Module::rank).filter(r -> r > 0).forEach(ranks::add);
    int[] rankBounds = bounds(ranks);
    outputBases = new Columns(baseBounds);
    addendBases = new Columns(baseBounds);
    outputModules = new Columns(moduleBounds);
    reducedModules = new Columns(rankBounds);
    gradientBases = new Columns(baseBounds);
    reducedGradientModules = new Columns(rankBounds);
    reducedGradient = new LeadingColumns(plan.rank());
    dropped = new LeadingColumns(plan.in());
    droppedGradient = new LeadingColumns(plan.in());
  }

  private static int[] bounds(List<Integer> widths) {
    int[] bounds = new int[widths.size() + 1];
    for (int i = 0; i < widths.size(); i++) {
      bounds[i + 1] = bounds[i] + widths.get(i);
    }
    return bounds;
  }

  boolean trained() {
    return plan.trained();
  }

  /** Takes up changed parameters. */
  void refresh() {
    for (Base base : bases) {
      if (base.dWeight() != null) {
        engine.refresh(base.weight());
      }
    }
    if (dora != null) {
      dora.invalidate();
    }
  }

  /**
   * Computes the group's output.
   *
   * @param x {@code (N, in)}
   * @param addend {@code (N, out)} of other memory than y, what the output is added to; or null
   * @param y {@code (N, out)}
   * @param kept what the backward pass will need is left here
   */
  void forward(
      Tensor x,
      Tensor addend,
      Tensor y,
      LayerBuffers.GroupBuffers kept,
      Scratch scratch,
      Passage passage) {
    boolean adapted = factors != null && passage.adapted();
    boolean decomposed = dora != null && adapted;
    Tensor target = decomposed ? kept.linear() : y;
    if (adapted && bases.size() == 1 && passage.dropout() == 0) {
      Base base = bases.get(0);
      LowRanks thin = new LowRanks(factors.down(), kept.reduced(), added(0, kept.reduced()));
      Tensor bias = decomposed ? null : base.bias();
      Tensor start = decomposed ? null : addend;
      engine.linear(x, base.weight(), bias, start, target, thin);
    } else {
      basesForward(x, addend, target, kept, scratch, passage);
    }
    if (decomposed) {
      dora.refresh();
      if (addend != null) {
        engine.copy(addend, y);
      }
      Tensor bias = bases.get(0).bias();
      engine.scaleColumns(kept.linear(), dora.gain(), bias, y, addend != null);
    }
  }

  /** The output of one matrix after the other, without DoRA's scaling. */
  private void basesForward(
      Tensor x,
      Tensor addend,
      Tensor target,
      LayerBuffers.GroupBuffers kept,
      Scratch scratch,
      Passage passage) {
    boolean adapted = factors != null && passage.adapted();
    boolean decomposed = dora != null && adapted;
    if (adapted) {
      Tensor input = factorInput(x, scratch, passage);
      engine.product(false, input, true, factors.down(), 1, 0, kept.reduced());
    }
    Tensor[] blocks = outputBases.of(target);
    Tensor[] addends = addend == null || decomposed ? null : addendBases.of(addend);
    for (int i = 0; i < blocks.length; i++) {
      Base base = bases.get(i);
      Tensor bias = decomposed ? null : base.bias();
      List<LowRank> added = adapted ? added(i, kept.reduced()) : List.of();
      if (addends == null) {
        engine.linear(x, base.weight(), bias, blocks[i], false, added);
      } else {
        engine.linear(x, base.weight(), bias, addends[i], blocks[i], added);
      }
    }
  }

  /** What the factors of the modules of one base matrix add to its output. */
  private List<LowRank> added(int base, Tensor allReduced) {
    Tensor[] reduced = reducedModules.of(allReduced);
    List<LowRank> added = new ArrayList<>(reduced.length);
    for (int i = 0; i < reduced.length; i++) {
      Up up = factors.ups().get(i);
      int column = outputModules.start(up.block()) - outputBases.start(base);
      if (column >= 0 && column < bases.get(base).weight().out()) {
        added.add(new LowRank(reduced[i], up.up(), up.scale(), column));
      }
    }
    return added;
  }

  /**
   * Adds to the gradients of the group's parameters and computes its input's.
   *
   * @param dy {@code (N, out)}
   * @param x {@code (N, in)}; read only if the group is {@link #trained}
   * @param dx {@code (N, in)}, overwritten, or null when nothing needs it
   */
  void backward(
      Tensor dy,
      Tensor x,
      Tensor dx,
      LayerBuffers.GroupBuffers kept,
      Scratch scratch,
      Passage passage) {
    Tensor d = inputBackward(dy, dx, kept, scratch, passage);
    weightsBackward(d, x, scratch, passage);
  }

  /**
   * The part of {@link #backward} that does not read the input: all but the gradients of the
   * matrices and of the A factors.
   *
   * @return what {@link #weightsBackward} is to be given
   */
  Tensor inputBackward(
      Tensor dy, Tensor dx, LayerBuffers.GroupBuffers kept, Scratch scratch, Passage passage) {
    Tensor d = dy;
    if (dora != null && passage.adapted()) {
      d = dora.backward(dy, kept.linear(), scratch.gradients.linear);
    }
    Tensor dReduced = null;
    if (factors != null && passage.adapted()) {
      dReduced = reducedGradient.of(scratch.gradients.reduced);
      factorsBackward(d, dReduced, kept.reduced());
    }
    if (dx != null) {
      multiplyBack(gradientBases.of(d), dx, dReduced, scratch, passage);
    }
    return d;
  }

  /**
   * The part of {@link #backward} that reads the input, before another group's backward pass.
   *
   * @param d what {@link #inputBackward} returned
   */
  void weightsBackward(Tensor d, Tensor x, Scratch scratch, Passage passage) {
    Tensor[] blocks = gradientBases.of(d);
    for (int i = 0; i < blocks.length; i++) {
      Base base = bases.get(i);
      if (base.dWeight() != null) {
        engine.linearWeightGradient(blocks[i], x, base.dWeight(), base.dBias());
      }
    }
    if (factors != null && passage.adapted()) {
      Tensor dReduced = reducedGradient.of(scratch.gradients.reduced);
      engine.product(
          true, dReduced, false, factorInput(x, scratch, passage), 1, 1, factors.dDown());
    }
  }

  private void multiplyBack(
      Tensor[] blocks, Tensor dx, Tensor dReduced, Scratch scratch, Passage passage) {
    int last = blocks.length - 1;
    for (int i = 0; i < last; i++) {
      engine.linearInputGradient(blocks[i], bases.get(i).weight(), dx, i > 0);
    }
    Weight weight = bases.get(last).weight();
    if (dReduced != null && passage.dropout() == 0) {
      engine.linearInputGradient(blocks[last], weight, dx, last > 0, dReduced, factors.down());
      return;
    }
    engine.linearInputGradient(blocks[last], weight, dx, last > 0);
    if (dReduced != null) {
      Tensor dDropped = droppedGradient.of(scratch.gradients.dropped);
      engine.product(false, dReduced, false, factors.down(), 1, 0, dDropped);
      engine.dropout(dDropped, passage.seed() ^ seedSalt, passage.dropout(), dx, true);
    }
  }

  private void factorsBackward(Tensor d, Tensor dReduced, Tensor reduced) {
    Tensor[] reducedBlocks = reducedModules.of(reduced);
    Tensor[] dReducedBlocks = reducedGradientModules.of(dReduced);
    List<LowRankGradient> gradients = new ArrayList<>(reducedBlocks.length);
    for (int i = 0; i < reducedBlocks.length; i++) {
      Up up = factors.ups().get(i);
      int column = outputModules.start(up.block());
      LowRank factor = new LowRank(reducedBlocks[i], up.up(), up.scale(), column);
      gradients.add(new LowRankGradient(factor, up.dUp(), dReducedBlocks[i]));
    }
    engine.lowRankGradients(d, gradients);
  }

  /** What the A factors read: the input, or the input after dropout. */
  private Tensor factorInput(Tensor x, Scratch scratch, Passage passage) {
    if (passage.dropout() == 0) {
      return x;
    }
    Tensor input = dropped.of(scratch.dropped);
    engine.dropout(x, passage.seed() ^ seedSalt, passage.dropout(), input, false);
    return input;
  }
}
