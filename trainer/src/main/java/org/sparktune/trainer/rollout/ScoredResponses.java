package org.sparktune.trainer.rollout;

import java.util.List;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.objective.ppo.KlEstimator;
import org.sparktune.trainer.objective.ppo.Responses;

/**
 * The responses of a minibatch with what policy and reference say of them. M is the number of their
 * tokens.
 *
 * @param first index of the first of them among those of the micro-batch
 * @param responses in the order of the batch's documents
 * @param batch their tokens
 * @param axis where each response's tokens begin among the M
 * @param logProbs {@code (M)}, of the policy that sampled
 * @param values {@code (M)}, of the critic in training; empty without one
 * @param targets {@code (M)}, of the critic that says what was to be expected: the same, unless
 *     there is a {@link TargetCritic}
 * @param reference {@code (M)}, of the reference
 */
record ScoredResponses(
    int first,
    List<Response> responses,
    Batch batch,
    Responses axis,
    float[] logProbs,
    float[] values,
    float[] targets,
    float[] reference) {

  /** The same with values of a {@link TargetCritic}. */
  ScoredResponses withTargets(float[] expected) {
    return new ScoredResponses(
        first, responses, batch, axis, logProbs, values, expected, reference);
  }

  /** Writes the divergence of each response to its place among those of the micro-batch. */
  void divergences(KlEstimator estimator, double[] divergences) {
    for (int i = 0; i < axis.count(); i++) {
      double sum = 0;
      for (int t = axis.starts()[i]; t < axis.starts()[i + 1]; t++) {
        sum += estimator.of(logProbs[t], reference[t]);
      }
      divergences[first + i] = sum;
    }
  }

  /** Σ -log π over the tokens. */
  double surprise() {
    double sum = 0;
    for (float logProb : logProbs) {
      sum -= logProb;
    }
    return sum;
  }
}
