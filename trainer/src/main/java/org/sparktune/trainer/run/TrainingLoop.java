package org.sparktune.trainer.run;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.checkpoint.CheckpointStore;
import org.sparktune.trainer.collective.Agreement;
import org.sparktune.trainer.collective.MeteredCollective;
import org.sparktune.trainer.dataset.Cursor;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.rollout.TargetCritic;

/**
 * One run, as one of its ranks: evaluate → sample → checkpoint → step → log, until all steps are
 * made. All ranks do the same at the same step; the first alone samples and writes the metrics.
 */
final class TrainingLoop implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingLoop.class);
  private static final String METRICS = "metrics.jsonl";

  /** Written by whoever listens. */
  private static final String SAMPLES = "samples.jsonl";

  private final TrainingInputs inputs;
  private final MeteredCollective collective;
  private final TrainingPlan plan;
  private final long totalSteps;
  private final Shard shard;
  private final StepMaker steps;
  private final StepReader reader;
  private final StepBoundary boundary;
  private final RunStore store;
  private final RunLog log;
  private final RankLog rankLog;
  private final Optional<Evaluation> evaluator;

  private ControlFile.Settings settings;
  private Progress progress;
  private Cursor cursor = Cursor.START;

  /**
   * @param rollouts where the run samples what it learns from
   */
  TrainingLoop(TrainingInputs inputs, Optional<Rollouts> rollouts) {
    TrainingOptions options = inputs.options();
    this.inputs = inputs;
    this.collective = new MeteredCollective(inputs.collective());
    this.plan =
        TrainingPlan.of(
            options,
            inputs.train().split(),
            inputs.trainable().layout().size(),
            collective.ranks());
    this.totalSteps = plan.totalSteps();
    this.store =
        new RunStore(
            CheckpointStore.open(
                inputs.checkpoints().location(),
                inputs.checkpoints().hadoop(),
                options.cadence().keepCheckpoints(),
                RunStore.describe(RunIdentity.of(inputs, totalSteps), inputs.trainable().layout()),
                List.of(inputs.taskFolder().resolve(METRICS), inputs.taskFolder().resolve(SAMPLES)),
                collective));
    boolean first = collective.rank() == 0;
    this.log = new RunLog(inputs.taskFolder().resolve(METRICS), inputs.listener(), first);
    this.rankLog = new RankLog(inputs.taskFolder(), collective);
    ControlFile control = new ControlFile(inputs.taskFolder().resolve("control.json"));
    this.boundary = new StepBoundary(collective, control, inputs.stopRequested());
    this.evaluator = inputs.validation().map(split -> evaluation(split, rollouts));
    this.settings = new ControlFile.Settings(options.schedule(), options.cadence());
    this.progress = Progress.start(options.schedule().learningRate());
    this.shard = new Shard(inputs, collective);
    this.reader =
        new StepReader(
            inputs.train(),
            options.batchSize(),
            options.gradientAccumulationSteps(),
            rollouts.map(Rollouts::depth).orElse(1),
            collective);
    this.steps = rollouts.<StepMaker>map(this::rolloutStep).orElseGet(shard::step);
  }

  private StepMaker rolloutStep(Rollouts rollouts) {
    long seed = inputs.options().seed();
    Optional<TargetCritic> targetCritic = rollouts.targetCritic();
    targetCritic.ifPresent(critic -> shard.keep("target_critic", critic.average()));
    RolloutSource source = rollouts.source(seed, reader);
    return new RolloutStep(rollouts, source, seed, shard.step(), targetCritic, collective);
  }

  private Evaluation evaluation(DatasetReader split, Optional<Rollouts> rollouts) {
    int batchSize = inputs.options().batchSize();
    return rollouts.isPresent()
        ? new RolloutEvaluator(rollouts.get().examiner(), split, batchSize, collective)
        : new Evaluator(inputs.trainable(), split, batchSize, collective);
  }

  TrainingResult run() {
    boolean resumed = resume();
    warnOfIdleRanks();
    log.started(
        plan.with(inputs.validation().map(DatasetReader::rows).orElse(0L), progress.step()));
    reader.start(cursor, totalSteps - progress.step());
    // A resumed run has evaluated, sampled and saved at this step already.
    boolean arrived = !resumed;
    while (true) {
      long step = progress.step();
      boolean last = step >= totalSteps;
      Cadence cadence = settings.cadence();
      boolean saved = !arrived;
      if (arrived) {
        if (last || step == 0 || isDue(cadence.evaluateEvery())) {
          evaluate();
        }
        if (isDue(cadence.sampleEvery()) || ((last || step == 0) && cadence.sampleEvery() > 0)) {
          log.sample(step);
        }
        if (last || isDue(cadence.checkpointEvery())) {
          checkpoint();
          saved = true;
        }
      }
      if (last) {
        break;
      }
      StepBoundary.Decision decision = boundary.decide(settings);
      if (decision.stop()) {
        throw interrupted(saved);
      }
      decision.changed().ifPresent(this::change);
      step();
      arrived = true;
    }
    return log.finished(progress);
  }

  /** Waits until nothing is read or computed any more. */
  @Override
  public void close() {
    steps.close();
    reader.close();
    shard.close();
  }

  private void step() {
    StepReader.Step batches = reader.next();
    double learningRate = settings.schedule().at(progress.step(), totalSteps);
    long begin = System.nanoTime();
    rankLog.begin();
    TrainingStep.Outcome outcome;
    try {
      outcome = steps.make(progress.step(), batches, learningRate);
    } catch (TrainingStep.NotFiniteException e) {
      throw new SparktuneException(
          ErrorCode.DIVERGED,
          "Step %d of %d: %s in %s."
              .formatted(progress.step() + 1, totalSteps, e.getMessage(), e.places()),
          "The last good checkpoint is %s; lower the learning rate or look at these rows."
              .formatted(store.newestName()),
          e);
    }
    double seconds = (System.nanoTime() - begin) * 1e-9;
    cursor = batches.after();
    progress = progress.afterStep(outcome.tokens(), outcome.loss());
    log.stepped(
        progress, totalSteps, outcome, learningRate, seconds, settings.cadence().logEvery());
    rankLog.stepped(progress.step(), seconds);
  }

  private void evaluate() {
    if (evaluator.isEmpty()) {
      return;
    }
    EvaluationMetrics evaluation = evaluator.get().evaluate(progress.step());
    progress = progress.afterEvaluation(evaluation);
    log.evaluated(evaluation);
  }

  private void checkpoint() {
    String location =
        shard.withVectors(vectors -> store.save(progress, cursor, steps.state(), vectors));
    log.checkpointed(progress.step(), location);
  }

  private boolean resume() {
    createTaskFolder();
    Optional<RunStore.Restored> restored = shard.withVectors(store::restore);
    if (restored.isPresent()) {
      progress = restored.get().progress();
      cursor = restored.get().cursor();
      steps.restore(restored.get().state());
      shard.restored(steps.updates(progress.step()));
    }
    settings =
        new ControlFile.Settings(
            settings.schedule().withLearningRate(progress.learningRate()), settings.cadence());
    log.truncateAfter(restored.isPresent() ? progress.step() : -1);
    rankLog.truncateAfter(restored.isPresent() ? progress.step() : -1);
    return restored.isPresent();
  }

  private void change(ControlFile.Settings changed) {
    if (collective.rank() == 0) {
      LOG.info(
          "control.json at step {}: learning rate {}, {}",
          progress.step(),
          changed.schedule().learningRate(),
          changed.cadence());
    }
    settings = changed;
    progress = progress.withLearningRate(changed.schedule().learningRate());
  }

  private void warnOfIdleRanks() {
    int leaves = inputs.options().gradientAccumulationSteps();
    if (collective.rank() == 0 && collective.ranks() > leaves) {
      LOG.warn(
          "{} executors and gradient_accumulation_steps {}: {} of them compute nothing. Raise"
              + " gradient_accumulation_steps to {} and lower batch_size, or use fewer executors.",
          collective.ranks(),
          leaves,
          collective.ranks() - leaves,
          collective.ranks());
    }
  }

  private SparktuneException interrupted(boolean saved) {
    if (!saved) {
      checkpoint();
    }
    new Agreement(collective).settle();
    return new SparktuneException(
        ErrorCode.INTERRUPTED,
        "Training was stopped after step %d of %d.".formatted(progress.step(), totalSteps),
        "Run the same command again to go on from %s.".formatted(store.newestName()));
  }

  private boolean isDue(long every) {
    return every > 0 && progress.step() > 0 && progress.step() % every == 0;
  }

  private void createTaskFolder() {
    try {
      Files.createDirectories(inputs.taskFolder());
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "The output folder %s cannot be made (%s)."
              .formatted(inputs.taskFolder(), e.getMessage()),
          "Choose another output folder.",
          e);
    }
  }
}
