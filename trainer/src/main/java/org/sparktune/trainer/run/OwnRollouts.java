package org.sparktune.trainer.run;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.rollout.Rollout;
import org.sparktune.trainer.rollout.RolloutMaker;

/** The policy in training samples, and training waits. */
final class OwnRollouts implements RolloutSource {
  private final RolloutMaker maker;
  private final long seed;

  OwnRollouts(Rollouts rollouts, long seed) {
    this.maker = rollouts.maker(rollouts.decoder());
    this.seed = seed;
  }

  @Override
  public List<Rollout> of(long step, StepReader.Step batches) {
    List<Rollout> rollouts = new ArrayList<>();
    for (int i = 0; i < batches.microBatches().size(); i++) {
      long place = RolloutSource.seed(seed, step, batches.firstLeaf() + i);
      rollouts.add(maker.sample(batches.microBatches().get(i).rows(), place));
    }
    return rollouts;
  }

  @Override
  public long staleness(long step) {
    return 0;
  }

  @Override
  public void close() {}
}
