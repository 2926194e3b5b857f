package org.sparktune.trainer.checkpoint;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes the checkpoints that are not to be kept, and points at the newest and the best. A run can
 * do without all of it, so a failure here is a warning: the next save tries again.
 */
final class Retention {
  private static final Logger LOG = LoggerFactory.getLogger(Retention.class);

  private final CheckpointFolder folder;
  private final int keep;

  Retention(CheckpointFolder folder, int keep) {
    this.folder = folder;
    this.keep = keep;
  }

  /**
   * Tidies up after a save.
   *
   * @param saved the step just saved
   */
  Void apply(long saved) {
    try {
      List<Long> steps = new ArrayList<>();
      for (long step : folder.list().complete()) {
        if (step > saved) {
          // It was passed over as damaged, and must not take the place of a whole one.
          LOG.info("removing the damaged {}", folder.describe(step));
          folder.remove(step);
        } else {
          steps.add(step);
        }
      }
      folder.point(CheckpointFolder.LATEST, saved);
      long best = best(steps);
      if (best >= 0) {
        folder.point(CheckpointFolder.BEST, best);
      }
      for (long step : steps.subList(0, Math.max(0, steps.size() - keep))) {
        if (step != best) {
          folder.remove(step);
        }
      }
    } catch (IOException e) {
      LOG.warn(
          "Old checkpoints in {} could not be removed ({}); the next save tries again",
          folder.location(),
          e.getMessage());
    }
    return null;
  }

  /** The step with the lowest validation loss, the earliest of several; -1 if none has one. */
  private long best(List<Long> steps) throws IOException {
    long best = -1;
    double lowest = Double.POSITIVE_INFINITY;
    for (long step : steps) {
      try {
        Double loss = folder.manifest(step).validationLoss();
        if (loss != null && loss < lowest) {
          lowest = loss;
          best = step;
        }
      } catch (DamagedException e) {
        LOG.debug("{} cannot be the best: {}", folder.describe(step), e.getMessage());
      }
    }
    return best;
  }
}
