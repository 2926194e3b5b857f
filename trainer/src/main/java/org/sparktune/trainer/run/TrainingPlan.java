package org.sparktune.trainer.run;

import org.sparktune.core.DatasetManifest;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.optim.GradientTree;

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
 * @param trainingBytes parameters, gradients, moments and partial sums of the rank that holds most
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
    long resumedStep) {

  /**
   * Does the arithmetic.
   *
   * @param train rows and tokens of the training split
   * @param trainedParameters length of the parameter vector
   */
  public static TrainingPlan of(
      TrainingOptions options, DatasetManifest.Split train, long trainedParameters) {
    return of(options, train, trainedParameters, 1);
  }

  /**
   * Does the arithmetic of a run of several ranks, of which each owns a slice of the moments.
   *
   * @param ranks how many train together
   */
  public static TrainingPlan of(
      TrainingOptions options, DatasetManifest.Split train, long trainedParameters, int ranks) {
    long microBatches = ceilingDivide(train.rows(), options.batchSize());
    long stepsPerEpoch = ceilingDivide(microBatches, options.gradientAccumulationSteps());
    long partialSums = GradientTree.partialSums(options.mostLeaves(ranks));
    long moments =
        options.optimizer().statePerParameter()
            * ceilingDivide(trainedParameters, Slices.groups(ranks));
    return new TrainingPlan(
        train.rows(),
        train.tokens(),
        train.lossTokens(),
        stepsPerEpoch,
        options.maxSteps() > 0 ? options.maxSteps() : options.epochs() * stepsPerEpoch,
        stepsPerEpoch == 0 ? 0 : train.tokens() / stepsPerEpoch,
        trainedParameters,
        ((2 + partialSums) * trainedParameters + moments) * Float.BYTES,
        0,
        0);
  }

  /** The plan of a run that has a validation split and may go on from a checkpoint. */
  TrainingPlan with(long newValidationRows, long newResumedStep) {
    return new TrainingPlan(
        rows,
        tokensPerEpoch,
        lossTokensPerEpoch,
        stepsPerEpoch,
        totalSteps,
        tokensPerStep,
        trainedParameters,
        trainingBytes,
        newValidationRows,
        newResumedStep);
  }

  private static long ceilingDivide(long value, long by) {
    return (value + by - 1) / by;
  }
}
