package org.sparktune.trainer.optim;

/** Clipping by the global norm, as {@code torch.nn.utils.clip_grad_norm_} does it. */
public final class GradientClipping {
  private static final double EPSILON = 1e-6;

  private GradientClipping() {}

  /**
   * The factor every gradient is multiplied with.
   *
   * @param maximumNorm the norm to clip to, or 0 for no clipping
   * @param norm the gradient's global norm
   * @return {@code maximumNorm / (norm + 1e-6)}, at most 1
   */
  public static double factor(double maximumNorm, double norm) {
    return maximumNorm == 0 ? 1.0 : Math.min(1.0, maximumNorm / (norm + EPSILON));
  }
}
