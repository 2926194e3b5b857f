package org.sparktune.jobs.training;

import java.util.Optional;
import java.util.OptionalInt;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.PreferenceOptions;
import org.sparktune.pipeline.spec.RewardModelOptions;
import org.sparktune.pipeline.spec.Task;
import org.sparktune.trainer.model.DecoderObjective;
import org.sparktune.trainer.objective.dpo.JudgedLoss;
import org.sparktune.trainer.objective.dpo.JudgedObjective;
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
   * @param sequenceLength tokens of the longest document
   */
  static Optional<DecoderObjective> of(
      Task.Training task, OptionalInt paddingId, int sequenceLength) {
    if (task instanceof Task.Dpo dpo) {
      return Optional.of(objective(dpo.preference(), sequenceLength));
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
    if (task instanceof Task.Dpo dpo) {
      return dpo.preference().kind().word();
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

  private static DecoderObjective objective(PreferenceOptions options, int sequenceLength) {
    double beta = options.beta();
    double smoothing = options.labelSmoothing();
    return switch (options.loss()) {
      case SIGMOID -> paired(new PreferenceLoss.Sigmoid(beta, smoothing), options);
      case ROBUST -> paired(new PreferenceLoss.Robust(beta, smoothing), options);
      case HINGE -> paired(new PreferenceLoss.Hinge(beta), options);
      case IPO -> paired(new PreferenceLoss.Ipo(beta), options);
      case EXO -> paired(new PreferenceLoss.Exo(beta, smoothing), options);
      case SIMPO -> paired(new PreferenceLoss.SimPo(beta, options.simpoMargin()), options);
      case ORPO -> paired(new PreferenceLoss.Orpo(beta), options);
      case KTO -> {
        PreferenceOptions.Judged judged = options.judged();
        yield new JudgedObjective(
            new JudgedLoss(beta, judged.desirableWeight(), judged.undesirableWeight()),
            judged.desirableAbove(),
            sequenceLength);
      }
    };
  }

  private static DecoderObjective paired(PreferenceLoss loss, PreferenceOptions options) {
    PreferenceLoss supervised =
        options.supervisedWeight() == 0
            ? loss
            : new PreferenceLoss.WithSupervision(loss, options.supervisedWeight());
    return new PreferenceObjective(supervised, options.margins());
  }
}
