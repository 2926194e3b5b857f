package org.sparktune.trainer.run;

import java.util.List;
import org.sparktune.trainer.dataset.Seeds;
import org.sparktune.trainer.rollout.Rollout;

/** Where a rank's rollouts of a step come from. */
interface RolloutSource extends AutoCloseable {
  /** Keeps the seeds of sampling apart from those of dropout and of the order of minibatches. */
  long SAMPLING = 0x5A4D;

  /**
   * Rollouts of this rank's micro-batches of a step, in their order. Called once a step.
   *
   * @param step steps already made
   */
  List<Rollout> of(long step, StepReader.Step batches);

  /** How many steps older than the policy in training the one is that sampled a step's rollouts. */
  long staleness(long step);

  /** Waits until nothing is sampled any more. */
  @Override
  void close();

  /** The seed of a micro-batch: neither ranks nor workers make a difference. */
  static long seed(long seed, long step, int leaf) {
    return Seeds.derive(seed, SAMPLING, step, leaf);
  }
}
