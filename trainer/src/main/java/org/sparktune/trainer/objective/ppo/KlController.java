package org.sparktune.trainer.objective.ppo;

/** How strongly the divergence from the reference is punished; state that a checkpoint keeps. */
public sealed interface KlController {

  /** The coefficient now. */
  double coefficient();

  /**
   * The controller after a batch.
   *
   * @param divergence its mean KL per response
   * @param responses how many it had
   */
  KlController after(double divergence, long responses);

  /** The same controller with a coefficient that it had come to. */
  KlController at(double newCoefficient);

  /** Always the same. */
  record Fixed(double coefficient) implements KlController {
    @Override
    public KlController at(double newCoefficient) {
      return new Fixed(newCoefficient);
    }

    @Override
    public KlController after(double divergence, long responses) {
      return this;
    }
  }

  /**
   * {@code coefficient *= 1 + clip(kl/target - 1, ±0.2)·responses/horizon} (Ziegler et al. 2019).
   *
   * @param target the divergence aimed at
   * @param horizon responses over which the coefficient adapts
   */
  record Adaptive(double coefficient, double target, double horizon) implements KlController {
    private static final double LARGEST_ERROR = 0.2;

    /** Checks the options. */
    public Adaptive {
      if (!(target > 0 && horizon > 0)) {
        throw new IllegalArgumentException(
            "The KL target and its horizon must be positive, not %s and %s"
                .formatted(target, horizon));
      }
    }

    @Override
    public KlController at(double newCoefficient) {
      return new Adaptive(newCoefficient, target, horizon);
    }

    @Override
    public KlController after(double divergence, long responses) {
      double error = Math.max(-LARGEST_ERROR, Math.min(LARGEST_ERROR, divergence / target - 1));
      return new Adaptive(coefficient * (1 + error * responses / horizon), target, horizon);
    }
  }
}
