package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.List;

/**
 * How a training task trains.
 *
 * @param epochs passes over the training split; counts only when {@code maxSteps} is 0
 * @param maxSteps optimizer steps; 0 means that {@code epochs} decides
 * @param learningRate the peak learning rate
 * @param schedule its course after the warm-up
 * @param warmupRatio the share of all steps that warm up; counts only when {@code warmupSteps} is
 *     -1
 * @param warmupSteps steps that warm up; -1 means that {@code warmupRatio} decides
 * @param minLearningRateRatio the last learning rate as a share of the peak
 * @param batchSize rows a micro-batch
 * @param gradientAccumulationSteps micro-batches an optimizer step
 * @param maxGradNorm gradients are clipped to this global norm; 0 turns clipping off
 * @param adamBeta1 decay of AdamW's first moment
 * @param adamBeta2 decay of AdamW's second moment
 * @param adamEpsilon AdamW's epsilon
 * @param weightDecay AdamW's decoupled weight decay
 * @param precision how products are computed
 * @param engine what computes
 * @param seed of initialisation, dropout and sampling
 * @param logEvery steps between log lines
 * @param evaluateEvery steps between evaluations of the validation split; 0 means only at the start
 *     and the end
 * @param checkpointEvery steps between checkpoints; 0 means only at the end
 * @param keepCheckpoints how many checkpoints are kept
 * @param sampleEvery steps between sample generations; 0 means none
 * @param samplePrompts the prompts of the samples
 * @param optimizer which optimizer trains
 * @param scheduleShape the numbers of schedules that have some
 */
public record Hyperparameters(
    int epochs,
    long maxSteps,
    double learningRate,
    Schedule schedule,
    double warmupRatio,
    long warmupSteps,
    double minLearningRateRatio,
    int batchSize,
    int gradientAccumulationSteps,
    double maxGradNorm,
    double adamBeta1,
    double adamBeta2,
    double adamEpsilon,
    double weightDecay,
    Precision precision,
    EngineChoice engine,
    long seed,
    int logEvery,
    int evaluateEvery,
    int checkpointEvery,
    int keepCheckpoints,
    int sampleEvery,
    List<String> samplePrompts,
    UpdaterChoice optimizer,
    ScheduleShape scheduleShape)
    implements Serializable {

  /** The course of the learning rate after the warm-up. */
  public enum Schedule {
    /** Half a cosine down to the minimum. */
    COSINE,
    /** A line down to the minimum. */
    LINEAR,
    /** It stays. */
    CONSTANT,
    /** {@code rate^floor(i / steps)}. */
    STEP,
    /** {@code rate^i}. */
    EXPONENTIAL,
    /** {@code (1 - i / steps)^power}. */
    POLY,
    /** {@code 1 / (1 + rate * i)^power}. */
    INVERSE,
    /** {@code 1 / (1 + exp(-rate * (i - steps)))}. */
    SIGMOID,
    /** Up and down within {@code steps} (1cycle). */
    CYCLE,
    /** A line up to the peak within {@code steps}. */
    RAMP,
    /** Given points. */
    MAP
  }

  /** How products are computed. */
  public enum Precision {
    /** bf16 where the processor has instructions for it, else fp32. */
    AUTO,
    /** F32 throughout. */
    FP32,
    /** BF16 operands, F32 sums. */
    BF16
  }

  /** What computes. */
  public enum EngineChoice {
    /** The best that is there. */
    AUTO,
    /** The processor. */
    CPU
  }
}
