package org.sparktune.trainer.run;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import org.apache.hadoop.conf.Configuration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.checkpoint.CheckpointStore;
import org.sparktune.trainer.collective.LocalCollective;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.optim.AdamW;
import org.sparktune.trainer.optim.FlatVectors;
import org.sparktune.trainer.optim.GradientTree;
import org.sparktune.trainer.optim.Trainable;

/** One run: evaluate → sample → checkpoint → step → log, until all steps are made. */
final class TrainingLoop implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingLoop.class);

  private final TrainingInputs inputs;
  private final TrainingOptions options;
  private final Trainable<Batch> trainable;
  private final TrainingPlan plan;
  private final long totalSteps;
  private final FlatVectors vectors;
  private final AdamW optimizer;
  private final GradientTree tree;
  private final TrainingStep trainingStep;
  private final RunStore store;
  private final RunLog log;
  private final ControlFile control;
  private final Optional<Evaluator> evaluator;

  private ControlFile.Settings settings;
  private Progress progress;

  TrainingLoop(TrainingInputs inputs) {
    this.inputs = inputs;
    this.options = inputs.options();
    this.trainable = inputs.trainable();
    this.plan = TrainingPlan.of(options, inputs.train().split(), trainable.layout().size());
    this.totalSteps = plan.totalSteps();
    this.vectors = new FlatVectors(Runtime.getRuntime().availableProcessors());
    this.optimizer = new AdamW(trainable.layout(), options.optimizer(), vectors);
    this.tree =
        new GradientTree(trainable.gradients(), options.gradientAccumulationSteps(), vectors);
    this.trainingStep = new TrainingStep(trainable, options, optimizer, tree, vectors);
    SortedMap<String, String> identity = RunIdentity.of(inputs, totalSteps);
    this.store =
        new RunStore(
            CheckpointStore.open(
                inputs.taskFolder().resolve("checkpoints").toString(),
                new Configuration(),
                options.cadence().keepCheckpoints(),
                RunStore.describe(identity, trainable.layout()),
                new LocalCollective()));
    this.log = new RunLog(inputs.taskFolder().resolve("metrics.jsonl"), inputs.listener());
    this.control = new ControlFile(inputs.taskFolder().resolve("control.json"));
    this.evaluator =
        inputs.validation().map(split -> new Evaluator(trainable, split, options.batchSize()));
    this.settings = new ControlFile.Settings(options.schedule(), options.cadence());
    this.progress = Progress.start(options.schedule().learningRate());
  }

  TrainingResult run() {
    boolean resumed = resume();
    log.started(
        plan.with(inputs.validation().map(DatasetReader::rows).orElse(0L), progress.step()));
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
        if (isDue(cadence.sampleEvery()) || (last && cadence.sampleEvery() > 0)) {
          inputs.listener().sample(step);
        }
        if (last || isDue(cadence.checkpointEvery())) {
          checkpoint();
          saved = true;
        }
      }
      if (last) {
        break;
      }
      if (inputs.stopRequested().getAsBoolean()) {
        throw interrupted(saved);
      }
      pollControl();
      step();
      arrived = true;
    }
    return log.finished(progress);
  }

  @Override
  public void close() {
    tree.close();
    optimizer.close();
    vectors.close();
  }

  private void step() {
    List<MicroBatch> microBatches =
        MicroBatch.readStep(
            inputs.train(), options.batchSize(), options.gradientAccumulationSteps());
    double learningRate = settings.schedule().at(progress.step(), totalSteps);
    long begin = System.nanoTime();
    TrainingStep.Outcome outcome;
    try {
      outcome = trainingStep.make(progress.step(), microBatches, learningRate);
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
    progress = progress.afterStep(outcome.tokens(), outcome.loss());
    log.stepped(
        progress, totalSteps, outcome, learningRate, seconds, settings.cadence().logEvery());
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
    String location = store.save(progress, inputs.train().cursor(), vectors());
    LOG.info("checkpoint {}", location);
    inputs.listener().checkpointed(progress.step(), location);
  }

  private boolean resume() {
    createTaskFolder();
    Optional<RunStore.Restored> restored = store.restore(vectors());
    progress = restored.map(RunStore.Restored::progress).orElse(progress);
    if (restored.isPresent()) {
      optimizer.restore(progress.step());
      trainable.parametersChanged();
    }
    restored.ifPresent(found -> inputs.train().seek(found.cursor()));
    settings =
        new ControlFile.Settings(
            settings.schedule().withLearningRate(progress.learningRate()), settings.cadence());
    log.truncateAfter(restored.isPresent() ? progress.step() : -1);
    return restored.isPresent();
  }

  /** What this rank, the only one, holds: everything. */
  private List<ShardedVector> vectors() {
    long size = trainable.layout().size();
    List<Slices.Range> all = List.of(new Slices.Range(0, size));
    return List.of(
        new ShardedVector("parameters", size, all, trainable.parameters()),
        new ShardedVector("exp_avg", size, all, optimizer.firstMoments()),
        new ShardedVector("exp_avg_sq", size, all, optimizer.secondMoments()));
  }

  private void pollControl() {
    control
        .poll(settings)
        .ifPresent(
            changed -> {
              LOG.info(
                  "control.json at step {}: learning rate {}, {}",
                  progress.step(),
                  changed.schedule().learningRate(),
                  changed.cadence());
              settings = changed;
              progress = progress.withLearningRate(changed.schedule().learningRate());
            });
  }

  private SparktuneException interrupted(boolean saved) {
    if (!saved) {
      checkpoint();
    }
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
