package org.sparktune.trainer.run;

/**
 * What one optimizer step did.
 *
 * @param step optimizer steps made, this one included
 * @param totalSteps optimizer steps of the run
 * @param loss mean over the step's loss-carrying tokens, before the update
 * @param gradientNorm global norm before clipping
 * @param learningRate the rate used
 * @param tokens tokens seen since the run began, this step included
 * @param millis time of this step
 * @param tokensPerSecond throughput since the previous logged step
 */
public record StepMetrics(
    long step,
    long totalSteps,
    double loss,
    double gradientNorm,
    double learningRate,
    long tokens,
    double millis,
    double tokensPerSecond) {}
