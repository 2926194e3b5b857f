package org.sparktune.trainer.run;

/**
 * The arithmetic of a run, known before it starts.
 *
 * @param rows rows of the training split
 * @param tokensPerEpoch tokens of the training split
 * @param lossTokensPerEpoch those that carry loss
 * @param stepsPerEpoch optimizer steps of an epoch
 * @param totalSteps optimizer steps of the run
 * @param tokensPerStep tokens of an average step
 * @param trainedParameters length of the parameter vector
 * @param trainingBytes parameters, gradients, moments and partial sums together
 * @param validationRows rows of the validation split, 0 without one
 * @param resumedStep the step whose checkpoint the run goes on from, 0 for a new run
 */
public record TrainingPlan(
    long rows,
    long tokensPerEpoch,
    long lossTokensPerEpoch,
    long stepsPerEpoch,
    long totalSteps,
    long tokensPerStep,
    long trainedParameters,
    long trainingBytes,
    long validationRows,
    long resumedStep) {}
