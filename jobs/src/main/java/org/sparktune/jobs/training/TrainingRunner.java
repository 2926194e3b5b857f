package org.sparktune.jobs.training;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.Fingerprint;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.doctor.Machine;
import org.sparktune.jobs.ranks.DriverLink;
import org.sparktune.jobs.ranks.HostShare;
import org.sparktune.jobs.ranks.RankFacts;
import org.sparktune.jobs.ranks.RankGroup;
import org.sparktune.jobs.ranks.RankResources;
import org.sparktune.jobs.storage.Place;
import org.sparktune.jobs.storage.WorkFolder;
import org.sparktune.pipeline.spec.ClusterOptions;
import org.sparktune.pipeline.spec.Hyperparameters;
import org.sparktune.pipeline.spec.PpoOptions;
import org.sparktune.pipeline.spec.Task;
import org.sparktune.pipeline.storage.LocalCopies;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.trainer.checkpoint.CheckpointPlace;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.dataset.RowOrder;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.EngineFootprint;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.AdapterExchange;
import org.sparktune.trainer.model.BaseStorage;
import org.sparktune.trainer.model.BatchSize;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderTrainable;
import org.sparktune.trainer.model.LoraConfig;
import org.sparktune.trainer.model.MemoryEstimate;
import org.sparktune.trainer.model.Tuning;
import org.sparktune.trainer.modelfile.HuggingFaceFolder;
import org.sparktune.trainer.optim.ParameterLayout;
import org.sparktune.trainer.rollout.RewardFunction;
import org.sparktune.trainer.rollout.RewardFunctions;
import org.sparktune.trainer.run.EvaluationMetrics;
import org.sparktune.trainer.run.HostResources;
import org.sparktune.trainer.run.RankLog;
import org.sparktune.trainer.run.Rollouts;
import org.sparktune.trainer.run.Training;
import org.sparktune.trainer.run.TrainingInputs;
import org.sparktune.trainer.run.TrainingListener;
import org.sparktune.trainer.run.TrainingResult;

/**
 * One training from start to finish, in the process that computes: open model, dataset and engine;
 * train; write the adapter or the model.
 *
 * <p>Full fine-tuning decays norms and biases too, as PyTorch's AdamW does with one parameter
 * group.
 */
public final class TrainingRunner implements AutoCloseable {
  /** Names of entries of a checkpoint's identity, by which others read it too. */
  static final String BASE_MODEL = "base_model";

  static final String LORA = "lora";

  private final TrainingRequest request;
  private final Task.Training task;
  private final Hyperparameters parameters;
  private final Resources resources = new Resources();
  private final OpenModel model;
  private final Tokenizer tokenizer;
  private final DatasetFolder dataset;
  private final Tuning tuning;
  private final ClusterOptions.Wire wire;
  private final HostShare share;

  /** Null where nothing is sampled. */
  private final RewardFunction reward;

  private final Engine engine;
  private final DecoderTrainable trainable;

  /** Those who sample, where that is not the policy itself. */
  private final Optional<Rollouts.Apart> apart;

  /** Opens everything; {@link #close} is called for what was opened if one of it fails. */
  private TrainingRunner(TrainingRequest request, RankGroup group, HostShare share) {
    this.request = request;
    this.wire = group.options().wire();
    this.share = share;
    this.task = request.task();
    this.parameters = task.hyperparameters();
    try {
      // Before anything large is read: the name may be wrong.
      this.reward = task instanceof Task.Ppo ppo ? reward(ppo.ppo()) : null;
      this.model = resources.add(OpenModel.open(ModelLocations.model(request.model(), hadoop())));
      this.tokenizer = model.tokenizer();
      if (reward instanceof LearnedReward judge) {
        judge.requireTokenizer(tokenizer);
      }
      this.dataset = openDataset();
      Optional<LoadedAdapter> init =
          Optional.ofNullable(request.initAdapter())
              .map(path -> ModelLocations.adapter(path, hadoop()))
              .map(path -> resources.add(LoadedAdapter.open(path, model)));
      if (task instanceof Task.RewardModel) {
        requireFolder(model);
      }
      this.tuning = tuning(task, init, model);
      PolicyCopies copies = PolicyCopies.of(task, share.threads());
      this.engine = resources.add(openEngine(copies.threadsOfLearner()));
      int sequenceLength = dataset.manifest().sequenceLength();
      estimate(model, tuning, task, sequenceLength, engine, group.ranks())
          .requireWithin(engine.availableBytes().orElse(share.memoryBytes()));
      Decoder decoder = resources.add(Decoder.load(model.config(), model.file(), engine, tuning));
      this.trainable =
          Objectives.of(task, model.paddingId(), sequenceLength)
              .map(objective -> new DecoderTrainable(decoder, objective))
              .orElseGet(() -> new DecoderTrainable(decoder));
      init.ifPresent(adapter -> adapter.copyInto(trainable));
      this.apart = copies.open(model, tuning, engine, resources);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /**
   * Trains as one of the ranks of a run; every rank of it calls this.
   *
   * @param group the ranks
   * @param given what this process may use
   * @param driver is told what happens, and may ask to leave
   * @param stopRequested asked between steps
   * @return what the task reports, representable as JSON
   */
  public static Map<String, Object> run(
      TrainingRequest request,
      RankGroup group,
      RankResources given,
      DriverLink driver,
      BooleanSupplier stopRequested) {
    HostShare share = group.arrive(request.fingerprint(), given);
    try (TrainingRunner runner = open(request, group, share);
        Collective collective = group.join(runner.shared())) {
      driver.whenToldToLeave(() -> collective.abort("another attempt has taken over"));
      try {
        return runner.train(collective, driver, stopRequested);
      } catch (RuntimeException | Error e) {
        collective.abort(String.valueOf(e.getMessage()));
        throw e;
      }
    }
  }

  private static TrainingRunner open(TrainingRequest request, RankGroup group, HostShare share) {
    try {
      return new TrainingRunner(request, group, share);
    } catch (SparktuneException e) {
      group.decline(e);
      throw e;
    }
  }

  private Map<String, Object> train(
      Collective collective, TrainingListener driver, BooleanSupplier stopRequested) {
    // A dataset that was prepared in its given order is also trained in it, epoch after epoch.
    boolean shuffled = !"false".equals(dataset.manifest().options().get("shuffle"));
    RowOrder order = shuffled ? RowOrder.reshuffled(parameters.seed()) : RowOrder.STORED;
    int vocabulary = model.config().vocabularySize();
    DatasetReader train = resources.add(dataset.split("train", vocabulary, order));
    Optional<DatasetReader> validation =
        dataset.splitIfPresent("validation", vocabulary, RowOrder.STORED).map(resources::add);
    try (WorkFolder folder = WorkFolder.open(Place.of(request.folder(), hadoop()))) {
      try {
        return train(collective, driver, stopRequested, train, validation, folder);
      } catch (SparktuneException e) {
        if (e.code() == ErrorCode.DIVERGED) {
          folder.publish(); // the record of how
        }
        throw e;
      }
    }
  }

  private Map<String, Object> train(
      Collective collective,
      TrainingListener driver,
      BooleanSupplier stopRequested,
      DatasetReader train,
      Optional<DatasetReader> validation,
      WorkFolder folder) {
    if (collective.rank() == 0) {
      folder.fetch(PublishingListener.CONTROL);
    }
    folder.fetch(RankLog.name(collective.rank()));
    PublishingListener listener = new PublishingListener(driver, folder, collective.rank() == 0);
    Prompts prompts = Prompts.ofModel(model.file().path(), tokenizer);
    TrainingInputs inputs =
        new TrainingInputs(
            trainable,
            train,
            validation,
            Options.training(parameters),
            identity(),
            folder.path(),
            new CheckpointPlace(request.checkpoints(), hadoop()),
            listener(folder.path(), prompts, listener),
            stopRequested,
            collective,
            new HostResources(
                share.threads(), Machine.availableMemoryBytes() / share.ranksOnHost()));
    TrainingResult result =
        task instanceof Task.Ppo ppo
            ? Training.run(inputs, rollouts(ppo.ppo(), prompts))
            : Training.run(inputs);
    if (collective.rank() == 0) {
      String base =
          LocalCopies.isRemote(request.model()) ? request.model() : model.file().path().toString();
      new TrainedOutput(model, tuning, base).write(trainable, folder.path());
    }
    folder.publish();
    return summary(result);
  }

  private RewardFunction reward(PpoOptions options) {
    if (request.rewardModel() != null) {
      return resources.add(
          LearnedReward.open(
              ModelLocations.adapter(request.rewardModel(), hadoop()),
              Options.precision(parameters.precision()),
              options.maxNewTokens(),
              options.reward().uncertaintyPenalty()));
    }
    return RewardFunctions.open(options.reward().function(), options.reward().options());
  }

  private Rollouts rollouts(PpoOptions options, Prompts prompts) {
    return new Rollouts(
        trainable.decoder(),
        RolloutChoices.rollouts(options),
        reward,
        prompts.stopIds(),
        ids -> tokenizer.decode(ids, true),
        apart);
  }

  private SamplingListener listener(Path folder, Prompts prompts, TrainingListener driver) {
    return new SamplingListener(
        driver,
        trainable.decoder(),
        prompts,
        parameters.samplePrompts(),
        folder.resolve("samples.jsonl"));
  }

  /** GGUF has no name for a score head. */
  private static void requireFolder(OpenModel model) {
    if (!(model.file() instanceof HuggingFaceFolder)) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "A whole reward model cannot be made of the GGUF file %s, which has no place for a score head."
              .formatted(model.file().path()),
          "Write train: lora, or start from a Hugging Face folder.");
    }
  }

  private DatasetFolder openDataset() {
    DatasetFolder opened =
        DatasetFolder.open(request.dataset(), hadoop())
            .requireKind(Objectives.datasetKind(task))
            .requireTokenizer(tokenizer.fingerprint());
    if (task instanceof Task.Dpo dpo && dpo.preference().readsReference()) {
      StoredReference.requireOwn(
          opened.manifest(), opened.location(), model, dpo.lora().quantization());
    }
    return opened;
  }

  /** The file systems as the driver knows them. */
  private Configuration hadoop() {
    Configuration hadoop = new Configuration();
    request.hadoop().forEach(hadoop::set);
    return hadoop;
  }

  /** What a task trains. */
  static Tuning tuning(Task.Training task, Optional<LoadedAdapter> init, OpenModel model) {
    if (task instanceof Task.Adapting lora) {
      LoraConfig written = Options.lora(lora.lora(), lora.layers());
      LoraConfig config = init.map(adapter -> adapter.configFor(written)).orElse(written);
      boolean critic =
          task instanceof Task.Ppo ppo && ppo.ppo().algorithm() == PpoOptions.Algorithm.PPO;
      return new Tuning.Lora(
          config,
          task.hyperparameters().seed(),
          critic,
          BaseStorages.of(lora.lora().quantization(), model.file()));
    }
    return new Tuning.Full(Options.policies(task.layers()), true, task instanceof Task.Rewarding);
  }

  /** The memory that a rank needs for micro-batches of full rows. */
  static MemoryEstimate estimate(
      OpenModel model,
      Tuning tuning,
      Task.Training task,
      int sequenceLength,
      EngineFootprint engine,
      int ranks) {
    Hyperparameters parameters = task.hyperparameters();
    MemoryEstimate.Sharing sharing = Options.training(parameters).sharing(ranks);
    if (task instanceof Task.Ppo ppo) {
      int responses = parameters.batchSize() * ppo.ppo().groupSize();
      int together = 1 + (responses - 1) / ppo.ppo().minibatches();
      int length = sequenceLength + ppo.ppo().maxNewTokens();
      BatchSize sampled = new BatchSize(responses, length);
      BatchSize minibatch = new BatchSize(together, length);
      MemoryEstimate training =
          MemoryEstimate.training(model.config(), tuning, minibatch, engine, sharing);
      return (RolloutChoices.rollouts(ppo.ppo()).hasTargetCritic()
              ? training.withTargetCritic(model.config(), tuning)
              : training)
          .withSampling(model.config(), tuning, sampled, minibatch, engine)
          .withCopies(PolicyCopies.of(task, 1).count());
    }
    BatchSize batch = new BatchSize(parameters.batchSize(), sequenceLength);
    MemoryEstimate training =
        MemoryEstimate.training(model.config(), tuning, batch, engine, sharing);
    if (!(task instanceof Task.Dpo dpo)) {
      return training;
    }
    MemoryEstimate pairs = training.withSharedPrompts(model.config(), batch, engine);
    return dpo.preference().asksReference()
        ? pairs.withReferencePass(model.config(), tuning, batch, engine)
        : pairs;
  }

  private Engine openEngine(int threads) {
    return Engines.open(
        Options.precision(parameters.precision()),
        threads,
        Options.device(parameters.engine()),
        share.gpu());
  }

  /** What every rank must have loaded alike. */
  private SortedMap<String, String> shared() {
    SortedMap<String, String> shared = new TreeMap<>();
    shared.put(RankFacts.PRECISION, engine.precision().name());
    shared.put(RankFacts.MODEL, model.fingerprint());
    shared.put(RankFacts.DATASET, new Fingerprint().add(dataset.manifest().toString()).finish());
    Fingerprint layout = new Fingerprint();
    for (ParameterLayout.Entry entry : trainable.layout().entries()) {
      layout.add(entry.name()).add(entry.offset()).add(Arrays.toString(entry.shape()));
    }
    shared.put(RankFacts.LAYOUT, layout.finish());
    return shared;
  }

  /** What decides the result's bits beside the loop's own options and the dataset. */
  private Map<String, String> identity() {
    Map<String, String> identity = new TreeMap<>();
    identity.put("task_type", task.type().word());
    identity.put(BASE_MODEL, model.fingerprint());
    identity.put("precision", parameters.precision().name());
    identity.put("layers", task.layers().toString());
    if (tuning instanceof Tuning.Lora lora) {
      identity.put(LORA, AdapterExchange.config(trainable, "").toLine());
      identity.put("lora_init", lora.config().initialization().name());
      if (!lora.base().equals(BaseStorage.FULL)) {
        identity.put("base_storage", lora.base().toString());
      }
    }
    if (task instanceof Task.Ppo ppo) {
      identity.put("ppo", ppo.ppo().toString());
    }
    if (task instanceof Task.Dpo dpo) {
      identity.put("dpo", dpo.preference().toString());
    }
    if (task instanceof Task.Rewarding rewarding) {
      identity.put("reward", rewarding.reward().toString());
    }
    if (wire != ClusterOptions.Wire.FP32) {
      identity.put("wire", wire.name());
    }
    return identity;
  }

  private static Map<String, Object> summary(TrainingResult result) {
    Map<String, Object> summary = new LinkedHashMap<>();
    summary.put("steps", result.steps());
    summary.put("loss", result.finalLoss());
    summary.put("tokens", result.tokens());
    summary.put("tokens_per_s", result.tokensPerSecond());
    if (result.lastEvaluation().isPresent()) {
      EvaluationMetrics last = result.lastEvaluation().get();
      summary.put("validation_loss", last.loss());
      last.figures().forEach((name, mean) -> summary.put("validation_" + name, mean));
    }
    return summary;
  }

  @Override
  public void close() {
    resources.close();
  }
}
