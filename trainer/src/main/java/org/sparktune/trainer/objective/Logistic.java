package org.sparktune.trainer.objective;

/** The logistic function and its logarithm without overflow for any argument. */
public final class Logistic {
  private Logistic() {}

  /** σ(x) = 1 / (1 + e⁻ˣ). */
  public static double sigmoid(double x) {
    if (x >= 0) {
      return 1 / (1 + Math.exp(-x));
    }
    double exponential = Math.exp(x);
    return exponential / (1 + exponential);
  }

  /** log σ(x) = -log(1 + e⁻ˣ); about x for large negative x. */
  public static double logSigmoid(double x) {
    return Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)));
  }

  /** log(1 - eˣ) for x &lt; 0 (Mächler 2012): exact near 0 and far from it. */
  public static double logOneMinusExp(double x) {
    return x > -0.693 ? Math.log(-Math.expm1(x)) : Math.log1p(-Math.exp(x));
  }
}
