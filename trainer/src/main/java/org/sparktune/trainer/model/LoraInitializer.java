package org.sparktune.trainer.model;

import java.util.SplittableRandom;
import org.sparktune.trainer.memory.Tensor;

/** First values of A factors, each drawn from the seed and its own name. */
final class LoraInitializer {
  private LoraInitializer() {}

  /**
   * Fills an A factor.
   *
   * @param down {@code (r, in)} in host memory
   */
  static void initialize(Tensor down, GroupPlan.Module module, Tuning tuning) {
    Tuning.Lora lora = (Tuning.Lora) tuning;
    SplittableRandom random = new SplittableRandom(lora.seed() * 31 + module.down().hashCode());
    double bound = 1 / Math.sqrt((double) down.columns());
    for (long i = 0; i < down.size(); i++) {
      double value =
          switch (lora.config().initialization()) {
            case KAIMING_UNIFORM -> (2 * random.nextDouble() - 1) * bound;
            case GAUSSIAN -> random.nextGaussian() / module.rank();
          };
      down.setFloat(i, (float) value);
    }
  }
}
