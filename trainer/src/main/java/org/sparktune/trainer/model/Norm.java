package org.sparktune.trainer.model;

import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.Tensor;

/**
 * A root-mean-square norm.
 *
 * @param weight {@code (C)}
 * @param gradient {@code (C)}, or null when frozen
 * @param epsilon added to the mean square
 */
record Norm(Tensor weight, Tensor gradient, float epsilon) {

  boolean trained() {
    return gradient != null;
  }

  void forward(Engine engine, Tensor x, Tensor out, Tensor inverseRms) {
    engine.rmsNorm(x, weight, epsilon, out, inverseRms);
  }

  void backward(
      Engine engine, Tensor dOut, Tensor x, Tensor inverseRms, Tensor dx, boolean accumulate) {
    engine.rmsNormGradient(dOut, x, weight, inverseRms, dx, accumulate, gradient);
  }
}
