package org.sparktune.trainer.run;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.trainer.checkpoint.CheckpointPlace;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.LocalCollective;
import org.sparktune.trainer.dataset.DatasetFixture;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.dataset.DatasetRow;
import org.sparktune.trainer.dataset.RowOrder;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Engine.Precision;
import org.sparktune.trainer.engine.cpu.CpuEngines;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.DecoderTrainable;
import org.sparktune.trainer.model.HuggingFaceConfig;
import org.sparktune.trainer.model.LoraConfig;
import org.sparktune.trainer.model.TargetModules;
import org.sparktune.trainer.model.Tuning;
import org.sparktune.trainer.modelfile.HuggingFaceFolder;
import org.sparktune.trainer.objective.ppo.GeneralizedAdvantage;
import org.sparktune.trainer.objective.ppo.KlController;
import org.sparktune.trainer.objective.ppo.KlEstimator;
import org.sparktune.trainer.objective.ppo.PolicyLoss;
import org.sparktune.trainer.objective.ppo.PolicyObjective;
import org.sparktune.trainer.objective.ppo.ValueLoss;
import org.sparktune.trainer.optim.AdamWOptions;
import org.sparktune.trainer.optim.LearningRateSchedule;
import org.sparktune.trainer.rollout.Completion;
import org.sparktune.trainer.rollout.RewardFunction;
import org.sparktune.trainer.rollout.RolloutOptions;
import org.sparktune.trainer.rollout.RolloutOptions.Algorithm;

/**
 * One run over prompts, on a tiny random Llama. The task has a known optimum: only tokens of the
 * lower quarter of the vocabulary score.
 */
record RolloutRun(
    Path prompts,
    Path validation,
    Path folder,
    RolloutOptions options,
    int steps,
    RewardFunction reward,
    Supplier<Engine> engines,
    Beside beside,
    IntConsumer afterStep) {
  static final int VOCABULARY = 512;
  private static final int LOW = 128;
  private static final int STOP = 500;
  private static final Configuration CONFIGURATION = new Configuration();

  RolloutRun(
      Path prompts,
      Path validation,
      Path folder,
      RolloutOptions options,
      int steps,
      RewardFunction reward,
      Supplier<Engine> engines,
      Beside beside) {
    this(prompts, validation, folder, options, steps, reward, engines, beside, made -> {});
  }

  /** Who samples beside the policy. */
  record Beside(int workers, int staleness, int queue) {
    static final Beside NOBODY = new Beside(0, 0, 0);
  }

  /** Copies of the policy, each with its own engine. */
  private record Copies(List<Engine> engines, List<Decoder> decoders) implements AutoCloseable {
    static Copies open(
        int count,
        DecoderConfig config,
        HuggingFaceFolder weights,
        RolloutOptions options,
        LoraConfig lora) {
      Copies copies = new Copies(new ArrayList<>(), new ArrayList<>());
      for (int i = 0; i < count; i++) {
        Engine engine = engine();
        copies.engines.add(engine);
        // Another seed: what a copy begins with makes no difference.
        Tuning tuning = new Tuning.Lora(lora, 77 + i, options.algorithm().hasCritic());
        copies.decoders.add(Decoder.load(config, weights, engine, tuning));
      }
      return copies;
    }

    Optional<Rollouts.Apart> apart(Beside beside) {
      return decoders.isEmpty()
          ? Optional.empty()
          : Optional.of(new Rollouts.Apart(decoders, beside.staleness(), beside.queue(), 2));
    }

    @Override
    public void close() {
      decoders.forEach(Decoder::close);
      engines.forEach(Engine::close);
    }
  }

  /** What a run left behind. */
  record Outcome(List<StepMetrics> steps, List<EvaluationMetrics> evaluations, float[] parameters) {
    double mean(String figure, int from, int to) {
      return steps.subList(from, to).stream()
          .mapToDouble(step -> step.figures().get(figure))
          .average()
          .orElseThrow();
    }
  }

  Outcome alone() {
    return on(new LocalCollective(), Long.MAX_VALUE);
  }

  Outcome on(Collective collective, long killedAfter) {
    List<StepMetrics> metrics = new ArrayList<>();
    List<EvaluationMetrics> evaluations = new ArrayList<>();
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void stepped(StepMetrics step) {
            metrics.add(step);
            afterStep.accept(metrics.size());
          }

          @Override
          public void evaluated(EvaluationMetrics evaluation) {
            evaluations.add(evaluation);
          }
        };
    DecoderConfig config = HuggingFaceConfig.read(model().resolve("config.json"));
    LoraConfig lora = LoraConfig.of(8, 16, new TargetModules.AllLinear());
    PolicyObjective objective =
        options.algorithm().hasCritic()
            ? new PolicyObjective(
                options.policyLoss(),
                options.entropyCoefficient(),
                options.temperature(),
                options.critic().loss(),
                options.critic().coefficient())
            : new PolicyObjective(
                options.policyLoss(), options.entropyCoefficient(), options.temperature());
    try (HuggingFaceFolder weights = HuggingFaceFolder.open(model());
        Engine engine = engines.get();
        Decoder decoder =
            Decoder.load(
                config,
                weights,
                engine,
                new Tuning.Lora(lora, 3, options.algorithm().hasCritic()));
        Copies copies = Copies.open(beside.workers(), config, weights, options, lora);
        DatasetReader train =
            DatasetFolder.open(prompts.toString(), CONFIGURATION)
                .split("train", VOCABULARY, RowOrder.reshuffled(9));
        DatasetReader held =
            DatasetFolder.open(validation.toString(), CONFIGURATION)
                .split("validation", VOCABULARY, RowOrder.STORED)) {
      DecoderTrainable trainable = new DecoderTrainable(decoder, objective);
      TrainingOptions training =
          new TrainingOptions(
              0,
              steps,
              2,
              2,
              1.0,
              11,
              new LearningRateSchedule(LearningRateSchedule.Kind.CONSTANT, 2e-2, 0, 0, 0),
              AdamWOptions.DEFAULTS,
              new Cadence(1, 0, 0, 2, 2));
      Training.run(
          new TrainingInputs(
              trainable,
              train,
              Optional.of(held),
              training,
              Map.of(),
              folder,
              CheckpointPlace.in(folder),
              listener,
              () -> metrics.size() >= killedAfter,
              collective,
              new HostResources(1, 1L << 30)),
          new Rollouts(
              decoder, options, reward, Set.of(STOP), RolloutRun::words, copies.apart(beside)));
      return new Outcome(metrics, evaluations, engine.toArray(trainable.parameters()));
    }
  }

  static RolloutOptions options(Algorithm algorithm, int epochs, int minibatches) {
    KlController controller = new KlController.Fixed(0.002);
    return options(algorithm, epochs, minibatches, controller, Double.POSITIVE_INFINITY);
  }

  static RolloutOptions options(
      Algorithm algorithm, int epochs, int minibatches, KlController controller, double stop) {
    return new RolloutOptions(
        algorithm,
        8,
        6,
        0.7,
        epochs,
        minibatches,
        new PolicyLoss(0.2, 0.2),
        0,
        new RolloutOptions.Divergence(KlEstimator.K1, controller, stop),
        0,
        new RolloutOptions.Critic(
            new GeneralizedAdvantage(1, 0.95), new ValueLoss(0.2), 0.1, true));
  }

  /** PPO whose advantages are made with a target critic. */
  static RolloutOptions withTargetCritic(double rate) {
    RolloutOptions base = options(Algorithm.PPO, 2, 2);
    return new RolloutOptions(
        base.algorithm(),
        base.groupSize(),
        base.maxNewTokens(),
        base.temperature(),
        base.epochs(),
        base.minibatches(),
        base.policyLoss(),
        base.entropyCoefficient(),
        base.divergence(),
        base.missingEndPenalty(),
        base.critic().withTarget(rate));
  }

  /** The share of a response's tokens that are low. */
  private static double share(Completion completion) {
    String[] words = completion.response().split(" ", -1);
    return Arrays.stream(words).mapToInt(Integer::parseInt).filter(id -> id < LOW).count()
        / (double) words.length;
  }

  static double[] shares(List<Completion> completions) {
    return completions.stream().mapToDouble(RolloutRun::share).toArray();
  }

  static Engine engine() {
    return CpuEngines.open(Precision.F32, 1);
  }

  /** The lines of metrics, without the throughput. */
  static List<String> figures(Path folder) throws IOException {
    return Files.readAllLines(folder.resolve("metrics.jsonl")).stream()
        .map(line -> line.replaceAll("\"tokens_per_s\":[^,]*,", ""))
        .toList();
  }

  static void writePrompts(Path dataset) throws IOException {
    Random random = new Random(5);
    List<DatasetRow> rows = new ArrayList<>();
    for (int row = 0; row < 16; row++) {
      int length = 2 + random.nextInt(5);
      int[] tokens = random.ints(length, 0, VOCABULARY).toArray();
      rows.add(new DatasetRow(tokens, new byte[length], new int[] {0}, "", row));
    }
    new DatasetFixture(dataset, DatasetFixture.Encoding.THREE_LEVELS)
        .part("train", rows, 8)
        .part("validation", rows.subList(0, 5), 8)
        .finish("prompt", 1);
  }

  private static String words(int[] ids) {
    return String.join(" ", Arrays.stream(ids).mapToObj(Integer::toString).toList());
  }

  private static Path model() {
    try {
      return Path.of(RolloutRun.class.getResource("/reference/hf/llama3-tiny").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
