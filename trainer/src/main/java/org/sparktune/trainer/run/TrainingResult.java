package org.sparktune.trainer.run;

import java.util.Optional;

/**
 * How a run ended.
 *
 * @param steps optimizer steps of the whole run, those before a resume included
 * @param finalLoss the last step's loss
 * @param tokens tokens seen by the whole run
 * @param seconds time of this process's part of the run
 * @param tokensPerSecond average of this part, its first steps (warm-up of the JVM) left out
 * @param lastEvaluation the evaluation at the end, with a validation split
 * @param bestEvaluation the one with the lowest loss
 */
public record TrainingResult(
    long steps,
    double finalLoss,
    long tokens,
    double seconds,
    double tokensPerSecond,
    Optional<EvaluationMetrics> lastEvaluation,
    Optional<EvaluationMetrics> bestEvaluation) {}
