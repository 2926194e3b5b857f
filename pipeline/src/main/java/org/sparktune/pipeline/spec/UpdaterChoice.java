package org.sparktune.pipeline.spec;

import java.io.Serializable;

/**
 * Which optimizer trains.
 *
 * @param updater AdamW, or one of ND4J's updaters
 * @param momentum of Nesterovs
 * @param decay of the averages of RmsProp and AdaDelta
 * @param epsilon of those that have one besides AdamW; 0 means ND4J's own default
 */
public record UpdaterChoice(Updater updater, double momentum, double decay, double epsilon)
    implements Serializable {

  /** Optimizers by name; those of the Adam family take the betas of AdamW. */
  public enum Updater {
    /** AdamW, fused; with {@code adam_epsilon}. */
    ADAMW,
    /** Adam without decoupled decay of its own. */
    ADAM,
    /** Adam with a maximum of second moments. */
    AMSGRAD,
    /** Adam with the infinity norm. */
    ADAMAX,
    /** Adam with Nesterov's momentum. */
    NADAM,
    /** Adam by the variance of gradients around their average. */
    ADABELIEF,
    /** Rates by ratios of averages; has no learning rate. */
    ADADELTA,
    /** Rates by all squared gradients. */
    ADAGRAD,
    /** Rates by an average of squared gradients. */
    RMSPROP,
    /** Nesterov's momentum. */
    NESTEROVS,
    /** Plain descent. */
    SGD,
    /** The gradient itself, without a learning rate. */
    NOOP
  }
}
