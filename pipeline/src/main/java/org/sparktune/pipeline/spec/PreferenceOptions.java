package org.sparktune.pipeline.spec;

import java.io.Serializable;

/**
 * The loss of a {@code dpo} task.
 *
 * @param loss which one
 * @param beta scales log-ratios
 * @param labelSmoothing the share of labels believed wrong; sigmoid, robust and exo only
 * @param simpoMargin SimPO's γ
 * @param supervisedWeight of the mean negative log-likelihood of the chosen completion, 0 for none
 * @param margins whether the dataset's margins are taken off the preference
 * @param precomputeReference whether the reference's log-probabilities are computed once, before
 *     the training, and kept in a dataset of the task's own
 * @param judged KTO's own options
 */
public record PreferenceOptions(
    Loss loss,
    double beta,
    double labelSmoothing,
    double simpoMargin,
    double supervisedWeight,
    boolean margins,
    boolean precomputeReference,
    Judged judged)
    implements Serializable {

  /**
   * What KTO makes of single completions.
   *
   * @param desirableWeight λ of good ones
   * @param undesirableWeight λ of bad ones
   * @param desirableAbove a higher score means a good one; labels are 1 and 0
   */
  public record Judged(double desirableWeight, double undesirableWeight, double desirableAbove)
      implements Serializable {}

  /** The kind of dataset that the loss reads. */
  public DatasetOptions.Kind kind() {
    return loss == Loss.KTO ? DatasetOptions.Kind.REWARD : DatasetOptions.Kind.PREFERENCE;
  }

  /** Whether the loss asks a reference. */
  public boolean readsReference() {
    return loss != Loss.SIMPO && loss != Loss.ORPO;
  }

  /**
   * Whether the reference is asked while training goes on. KTO always does: completions after
   * prompts that are not theirs are in no dataset.
   */
  public boolean asksReference() {
    return loss == Loss.KTO || (readsReference() && !precomputeReference);
  }

  /** The losses. */
  public enum Loss {
    /** DPO; with label smoothing its conservative form. */
    SIGMOID,
    /** Unbiased under flipped labels. */
    ROBUST,
    /** SLiC. */
    HINGE,
    /** Identity preference optimization. */
    IPO,
    /** Exact optimization. */
    EXO,
    /** Averaged by length, without a reference. */
    SIMPO,
    /** Odds ratio beside supervised fine-tuning, without a reference. */
    ORPO,
    /** Completions that are each judged good or bad, without a counterpart. */
    KTO
  }
}
