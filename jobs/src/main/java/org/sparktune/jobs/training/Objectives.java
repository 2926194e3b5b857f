package org.sparktune.jobs.training;

import java.util.Optional;
import java.util.OptionalInt;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.PreferenceOptions;
import org.sparktune.pipeline.spec.RewardModelOptions;
import org.sparktune.pipeline.spec.Task;
import org.sparktune.trainer.model.DecoderObjective;
import org.sparktune.trainer.objective.dpo.PreferenceLoss;
import org.sparktune.trainer.objective.dpo.PreferenceObjective;
import org.sparktune.trainer.objective.reward.PairScoreLoss;
import org.sparktune.trainer.objective.reward.PreferredScores;
import org.sparktune.trainer.objective.reward.RatedScores;
import org.sparktune.trainer.objective.reward.RewardObjective;
import org.sparktune.trainer.objective.reward.ScoreLoss;

/** What a training task trains towards, and on which kind of dataset. */
final class Objectives {
  private Objectives() {}

  /**
   * The objective; none for supervised fine-tuning.
   *
   * @param paddingId what a reward model passes over at the end of a document
   */
  static Optional<DecoderObjective> of(Task.Training task, OptionalInt paddingId) {
    if (task instanceof Task.Dpo dpo) {
      PreferenceLoss loss = loss(dpo.preference());
      return Optional.of(new PreferenceObjective(loss, dpo.preference().margins()));
    }
    if (task instanceof Task.Rewarding rewarding) {
      return Optional.of(new RewardObjective(loss(rewarding.reward()), paddingId));
    }
    return task instanceof Task.Ppo ppo
        ? Optional.of(RolloutChoices.objective(ppo.ppo()))
        : Optional.empty();
  }

  /** The kind of dataset that the objective reads, as manifests call it. */
  static String datasetKind(Task.Training task) {
    if (task instanceof Task.Dpo) {
      return Kind.PREFERENCE.word();
    }
    if (task instanceof Task.Rewarding rewarding) {
      return rewarding.reward().kind().word();
    }
    return (task instanceof Task.Ppo ? Kind.PROMPT : Kind.SFT).word();
  }

  private static ScoreLoss loss(RewardModelOptions options) {
    return switch (options.loss()) {
      case BRADLEY_TERRY ->
          new PreferredScores(new PairScoreLoss(options.centring()), options.margins());
      case REGRESSION -> new RatedScores();
    };
  }

  private static PreferenceLoss loss(PreferenceOptions options) {
    PreferenceLoss loss =
        switch (options.loss()) {
          case SIGMOID -> new PreferenceLoss.Sigmoid(options.beta(), options.labelSmoothing());
          case ROBUST -> new PreferenceLoss.Robust(options.beta(), options.labelSmoothing());
          case HINGE -> new PreferenceLoss.Hinge(options.beta());
          case IPO -> new PreferenceLoss.Ipo(options.beta());
          case EXO -> new PreferenceLoss.Exo(options.beta(), options.labelSmoothing());
          case SIMPO -> new PreferenceLoss.SimPo(options.beta(), options.simpoMargin());
          case ORPO -> new PreferenceLoss.Orpo(options.beta());
        };
    return options.supervisedWeight() == 0
        ? loss
        : new PreferenceLoss.WithSupervision(loss, options.supervisedWeight());
  }
}
