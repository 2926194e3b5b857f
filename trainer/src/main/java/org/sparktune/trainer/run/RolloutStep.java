package org.sparktune.trainer.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Agreement;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.dataset.Seeds;
import org.sparktune.trainer.objective.ppo.KlController;
import org.sparktune.trainer.objective.ppo.PolicyObjective;
import org.sparktune.trainer.rollout.Experience;
import org.sparktune.trainer.rollout.ExperienceMaker;
import org.sparktune.trainer.rollout.Rollout;
import org.sparktune.trainer.rollout.RolloutOptions;
import org.sparktune.trainer.rollout.TargetCritic;

/**
 * A step that learns from responses to a step's prompts: take what was sampled and scored, and make
 * several optimizer updates of what came out. Whatever is random follows from the seed, the step
 * and a prompt's place; a micro-batch's responses depend on no other micro-batch. So the bits don't
 * depend on the number of ranks.
 */
final class RolloutStep implements StepMaker {
  private static final String COEFFICIENT = "kl_coefficient";
  private static final String UPDATES = "updates";

  /** Keeps the seeds of the order of minibatches apart from others. */
  private static final long ORDER = 0x04DE;

  private final RolloutOptions options;
  private final RolloutSource source;
  private final ExperienceMaker maker;
  private final long seed;
  private final TrainingStep update;
  private final Agreement agreement;
  private final boolean apart;
  private final Optional<TargetCritic> targetCritic;
  private KlController controller;
  private long updates;

  /**
   * @param source samples
   * @param seed of the order of minibatches
   * @param update makes the optimizer updates
   * @param targetCritic follows the critic in training, if anything does; closed with this
   */
  RolloutStep(
      Rollouts rollouts,
      RolloutSource source,
      long seed,
      TrainingStep update,
      Optional<TargetCritic> targetCritic,
      Collective collective) {
    this.options = rollouts.options();
    this.source = source;
    this.seed = seed;
    this.update = update;
    this.agreement = new Agreement(collective);
    this.controller = options.divergence().controller();
    this.apart = rollouts.apart().isPresent();
    this.targetCritic = targetCritic;
    this.maker =
        new ExperienceMaker(
            rollouts.decoder(),
            options,
            rollouts.apart().map(Rollouts.Apart::importanceCap).orElse(1.0),
            targetCritic);
  }

  @Override
  public TrainingStep.Outcome make(long step, StepReader.Step batches, double learningRate)
      throws TrainingStep.NotFiniteException {
    double coefficient = controller.coefficient();
    List<Experience> own = new ArrayList<>();
    for (Rollout rollout : source.of(step, batches)) {
      own.add(maker.make(rollout, coefficient));
    }
    Experience.Summary all = agree(own, batches);
    if (all.responses() == 0) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "None of the %d prompts of step %d leaves room for a response in the model's context."
              .formatted(all.skippedPrompts(), step + 1),
          "Prepare the prompts with a smaller sequence_length.");
    }
    if (options.algorithm().hasCritic() && options.critic().whiten()) {
      for (Experience experience : own) {
        experience.whiten(all.advantages());
      }
    }
    double weights = apart ? correct(own, batches) : 0;
    Updates made = new Updates();
    learn(step, batches, own, learningRate, made);
    double divergence = all.divergence() / all.responses();
    controller = controller.after(divergence, all.responses());
    updates += made.count;
    SortedMap<String, Double> figures = made.means();
    addTo(figures, all);
    figures.put(COEFFICIENT, coefficient);
    figures.put(UPDATES, (double) made.count);
    if (apart) {
      figures.put("staleness", (double) source.staleness(step));
      figures.put("importance_weight", weights / all.tokens());
    }
    return new TrainingStep.Outcome(
        made.loss / made.count, made.norm / made.count, all.allTokens(), figures);
  }

  /** The sums over the micro-batches of all ranks, in the order of the micro-batches. */
  private Experience.Summary agree(List<Experience> own, StepReader.Step batches) {
    int length = Experience.Summary.LENGTH;
    long[] numbers = new long[batches.leaves() * length];
    for (int i = 0; i < own.size(); i++) {
      own.get(i).summary().writeTo(numbers, (batches.firstLeaf() + i) * length);
    }
    agreement.sum(numbers);
    Experience.Summary all = Experience.Summary.NONE;
    for (int leaf = 0; leaf < batches.leaves(); leaf++) {
      all = all.join(Experience.Summary.readFrom(numbers, leaf * length));
    }
    return all;
  }

  /** Weighs what an older policy sampled; the sum of the weights, in the order of micro-batches. */
  private double correct(List<Experience> own, StepReader.Step batches) {
    long[] numbers = new long[batches.leaves()];
    for (int i = 0; i < own.size(); i++) {
      numbers[batches.firstLeaf() + i] = Double.doubleToRawLongBits(own.get(i).correct());
    }
    agreement.sum(numbers);
    double sum = 0;
    for (long number : numbers) {
      sum += Double.longBitsToDouble(number);
    }
    return sum;
  }

  /** The passes over all minibatches, each in an order of its own. */
  private void learn(
      long step, StepReader.Step batches, List<Experience> own, double learningRate, Updates made)
      throws TrainingStep.NotFiniteException {
    int filled = filledMinibatches(own, batches);
    for (int epoch = 0; epoch < options.epochs(); epoch++) {
      for (int minibatch : order(step, epoch, filled)) {
        List<MicroBatch> microBatches = new ArrayList<>();
        for (int i = 0; i < own.size(); i++) {
          microBatches.add(
              new MicroBatch(
                  own.get(i).minibatches().get(minibatch), batches.microBatches().get(i).rows()));
        }
        TrainingStep.Outcome outcome =
            update.make(
                step,
                new StepReader.Step(
                    microBatches, batches.firstLeaf(), batches.leaves(), batches.after()),
                learningRate);
        targetCritic.ifPresent(TargetCritic::follow);
        made.add(outcome);
        if (outcome.figures().get(PolicyObjective.DIVERGENCE) > options.divergence().stop()) {
          return;
        }
      }
    }
  }

  /** How many minibatches have responses, on any rank; those without are the last ones. */
  private int filledMinibatches(List<Experience> own, StepReader.Step batches) {
    long[] filled = new long[batches.leaves()];
    for (int i = 0; i < own.size(); i++) {
      long responses = own.get(i).summary().responses();
      filled[batches.firstLeaf() + i] = Math.min(responses, options.minibatches());
    }
    agreement.sum(filled);
    long most = 0;
    for (long count : filled) {
      most = Math.max(most, count);
    }
    return (int) most;
  }

  private int[] order(long step, int epoch, int count) {
    int[] order = new int[count];
    for (int i = 0; i < count; i++) {
      order[i] = i;
    }
    // java.util.Random: its numbers are part of the Java specification.
    Random random = new Random(Seeds.derive(seed, ORDER, step, epoch));
    for (int i = count - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
    return order;
  }

  private static void addTo(SortedMap<String, Double> figures, Experience.Summary all) {
    double responses = all.responses();
    figures.put("score", all.scores().mean());
    figures.put("score_std", Math.sqrt(all.scores().variance()));
    figures.put("kl", all.divergence() / responses);
    figures.put("entropy", all.surprise() / all.tokens());
    figures.put("response_length", all.tokens() / responses);
    figures.put("finished", all.finished() / responses);
    figures.put("zero_variance", (double) all.flatGroups() / all.groups());
    figures.put("skipped_prompts", (double) all.skippedPrompts());
  }

  @Override
  public long updates(long steps) {
    return updates;
  }

  @Override
  public Map<String, Double> state() {
    return Map.of(COEFFICIENT, controller.coefficient(), UPDATES, (double) updates);
  }

  @Override
  public void restore(Map<String, Double> state) {
    updates = state.get(UPDATES).longValue();
    controller = controller.at(state.get(COEFFICIENT));
  }

  @Override
  public void close() {
    source.close();
    targetCritic.ifPresent(TargetCritic::close);
  }

  /** The means over a step's updates. */
  private static final class Updates {
    private final SortedMap<String, Double> sums = new TreeMap<>();
    private int count;
    private double loss;
    private double norm;

    void add(TrainingStep.Outcome outcome) {
      count++;
      loss += outcome.loss();
      norm += outcome.gradientNorm();
      outcome.figures().forEach((name, mean) -> sums.merge(name, mean, Double::sum));
    }

    SortedMap<String, Double> means() {
      SortedMap<String, Double> means = new TreeMap<>(sums);
      means.replaceAll((name, sum) -> sum / count);
      return means;
    }
  }
}
