package org.sparktune.pipeline.spec;

import java.util.Map;
import java.util.function.Function;
import org.sparktune.pipeline.spec.PpoOptions.Algorithm;

/** Reads the {@code ppo} group of hyperparameters; the defaults are the published ones. */
final class PpoReader {
  private static final int MANY = 1 << 16;

  private final MappingReader reader;
  private final Function<MappingReader, Reference> rewardModels;

  /**
   * @param rewardModels reads the key {@code model} of a mapping; null where there is none
   */
  PpoReader(MappingReader reader, Function<MappingReader, Reference> rewardModels) {
    this.reader = reader;
    this.rewardModels = rewardModels;
  }

  /**
   * The options.
   *
   * @param batchSize prompts of a micro-batch
   */
  PpoOptions read(int batchSize) {
    Algorithm algorithm = reader.word("algorithm", Algorithm.PPO);
    boolean critic = algorithm == Algorithm.PPO;
    int groupSize = (int) reader.integer("group_size", critic ? 1 : 8, critic ? 1 : 2, MANY);
    // GRPO and RLOO were published with one update a step, PPO with passes.
    int epochs = (int) reader.integer("epochs", critic ? 4 : 1, 1, MANY);
    int minibatches = (int) reader.integer("minibatches", 1, 1, MANY);
    if (minibatches > (long) batchSize * groupSize) {
      reader.problem(
          "minibatches",
          "'minibatches' is %d, but a micro-batch has %d responses."
              .formatted(minibatches, (long) batchSize * groupSize),
          "Give at most batch_size times group_size.");
    }
    double clip = reader.decimal("clip", 0.2, Range.BELOW_ONE);
    if (clip == 0) {
      reader.problem("clip", "'clip' is 0, which would leave nothing to learn.", "Use 0.2.");
      clip = 0.2;
    }
    PpoOptions options =
        new PpoOptions(
            algorithm,
            groupSize,
            (int) reader.integer("max_new_tokens", 64, 1, 1 << 20),
            reader.decimal("temperature", 0.7, Range.POSITIVE),
            epochs,
            minibatches,
            clip,
            reader.decimal("clip_above", clip, Range.POSITIVE),
            reader.decimal("entropy_coefficient", 0, Range.NOT_NEGATIVE),
            reader.decimal("missing_eos_penalty", 0, Range.NOT_NEGATIVE),
            critic(critic),
            kl(),
            reward(),
            apart());
    reader.finish();
    return options;
  }

  private PpoOptions.Critic critic(boolean used) {
    for (String key :
        new String[] {
          "gamma",
          "lambda",
          "value_clip",
          "value_coefficient",
          "whiten",
          "target_critic",
          "target_tau"
        }) {
      if (reader.has(key) && !used) {
        reader.problem(
            key,
            "'%s' is an option of the critic, which only ppo has.".formatted(key),
            "Remove it.");
      }
    }
    boolean target = reader.flag("target_critic", false);
    if (reader.has("target_tau") && !target) {
      reader.problem(
          "target_tau",
          "'target_tau' means nothing without a target critic.",
          "Remove it, or set target_critic: true.");
    }
    double tau = reader.decimal("target_tau", 0.01, Range.UNIT);
    if (tau == 0) {
      reader.problem(
          "target_tau", "'target_tau' is 0, so the target would never move.", "Use 0.01.");
    }
    return new PpoOptions.Critic(
        reader.decimal("gamma", 1, Range.UNIT),
        reader.decimal("lambda", 0.95, Range.UNIT),
        reader.decimal("value_clip", 0.2, Range.POSITIVE),
        reader.decimal("value_coefficient", 0.1, Range.NOT_NEGATIVE),
        reader.flag("whiten", true),
        target ? tau : 0);
  }

  private PpoOptions.Kl kl() {
    boolean adaptive =
        reader.word("kl_controller", PpoOptions.Controller.FIXED) == PpoOptions.Controller.ADAPTIVE;
    for (String key : new String[] {"kl_target", "kl_horizon"}) {
      if (reader.has(key) && !adaptive) {
        reader.problem(
            key,
            "'%s' means nothing to a fixed coefficient.".formatted(key),
            "Remove it, or set kl_controller: adaptive.");
      }
    }
    return new PpoOptions.Kl(
        reader.decimal("kl_coefficient", adaptive ? 0.2 : 0.05, Range.NOT_NEGATIVE),
        reader.word("kl_estimator", PpoOptions.Estimator.K1),
        adaptive,
        reader.decimal("kl_target", 6, Range.POSITIVE),
        reader.decimal("kl_horizon", 10_000, Range.POSITIVE),
        reader.decimal("kl_stop", 0, Range.NOT_NEGATIVE));
  }

  private PpoOptions.Apart apart() {
    boolean apart = reader.word("mode", PpoOptions.Mode.SYNC) == PpoOptions.Mode.ASYNC;
    for (String key :
        new String[] {"rollout_workers", "max_staleness", "queue_size", "importance_cap"}) {
      if (reader.has(key) && !apart) {
        reader.problem(
            key,
            "'%s' means nothing where sampling and training take turns.".formatted(key),
            "Remove it, or set mode: async.");
      }
    }
    PpoOptions.Apart read =
        new PpoOptions.Apart(
            (int) reader.integer("rollout_workers", 1, 1, MANY),
            (int) reader.integer("max_staleness", 1, 1, MANY),
            (int) reader.integer("queue_size", 16, 1, MANY),
            reader.decimal("importance_cap", 2, Range.POSITIVE));
    if (read.importanceCap() < 1) {
      reader.problem(
          "importance_cap",
          "'importance_cap' is %s, which would shrink what is sampled as it should be."
              .formatted(read.importanceCap()),
          "Give at least 1.");
    }
    return apart ? read : null;
  }

  private PpoOptions.Reward reward() {
    MappingReader reward = reader.require("reward") ? reader.mapping("reward") : null;
    if (reward == null) {
      return new PpoOptions.Reward("", Map.of(), null, 0);
    }
    Reference model = rewardModels.apply(reward);
    if (model != null && reward.has("function")) {
      reward.problem(
          "function",
          "'function' stands beside 'model', but a reward has one source.",
          "Remove one.");
    }
    PpoOptions.Reward read =
        model == null
            ? new PpoOptions.Reward(
                reward.requiredText("function"), reward.textsByWord("options"), null, 0)
            : new PpoOptions.Reward(
                "", Map.of(), model, reward.decimal("uncertainty_penalty", 0, Range.NOT_NEGATIVE));
    reward.finish();
    return read;
  }
}
