package org.sparktune.jobs.distill;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.spark.impl.graph.SparkComputationGraph;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.linalg.schedule.PolySchedule;
import org.nd4j.linalg.schedule.ScheduleType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.jobs.dl4j.AllReduceTrainingMaster;
import org.sparktune.jobs.training.StopSignal;
import org.sparktune.pipeline.spec.ClusterOptions;
import org.sparktune.pipeline.spec.DistillOptions;
import org.sparktune.trainer.dataset.Seeds;
import org.sparktune.trainer.dl4j.student.Student;
import org.sparktune.trainer.dl4j.student.StudentGraph;
import org.sparktune.trainer.dl4j.student.StudentManifest;
import org.sparktune.trainer.dl4j.student.StudentShape;
import org.sparktune.trainer.objective.distill.DistillationLoss;
import org.sparktune.trainer.run.JsonLinesFile;

/**
 * Trains a student on executors, an epoch after the other: each in an order of its own that follows
 * from the seed, and the network saved behind it.
 */
final class StudentTraining {
  private static final Logger LOG = LoggerFactory.getLogger(StudentTraining.class);

  private final JavaSparkContext context;
  private final ClusterOptions cluster;
  private final DistillOptions options;
  private final Curriculum curriculum;
  private final StudentManifest manifest;
  private final JsonLinesFile metrics;
  private final StudentCheckpoints checkpoints;

  /**
   * @param folder of the task
   */
  StudentTraining(
      JavaSparkContext context,
      ClusterOptions cluster,
      DistillOptions options,
      Curriculum curriculum,
      StudentManifest manifest,
      Path folder) {
    this.context = context;
    this.cluster = cluster;
    this.options = options;
    this.curriculum = curriculum;
    this.manifest = manifest;
    this.metrics = new JsonLinesFile(folder.resolve("metrics.jsonl"));
    this.checkpoints = new StudentCheckpoints(folder.resolve("checkpoints"));
  }

  /**
   * What came of it.
   *
   * @param student after the last epoch
   * @param steps made in all
   * @param loss of the last step
   * @param figures of the last evaluation
   */
  record Outcome(Student student, int steps, double loss, Map<String, Double> figures) {}

  /** Trains from the beginning, or from the newest checkpoint. */
  Outcome run(JavaRDD<LabelledDocument> documents, long count, StudentEvaluation evaluation) {
    long perStep = (long) options.batchSize() * options.batchesPerStep();
    long steps = options.epochs() * ((count + perStep - 1) / perStep);
    ISchedule schedule = schedule(steps);
    ComputationGraph network = checkpoints.newest().orElseGet(() -> fresh(schedule));
    Student student = new Student(network, manifest);
    metrics.truncateAfter(network.getIterationCount());
    LOG.info(
        "{} documents, {} steps of {} in all; {} parameters; from step {}",
        count,
        steps,
        perStep,
        network.numParams(),
        network.getIterationCount());
    Map<String, Double> figures = evaluation.figures(student);
    if (network.getIterationCount() == 0) {
      metrics.truncateAfter(-1);
      evaluated(0, 0, figures);
    }
    Losses losses = new Losses();
    SparkComputationGraph spark = new SparkComputationGraph(context, network, master());
    spark.setListeners(losses);
    while (network.getEpochCount() < options.epochs()) {
      StopSignal.check("The distillation");
      int epoch = network.getEpochCount();
      int before = network.getIterationCount();
      losses.values.clear();
      spark.fitMultiDataSet(inOrder(documents, epoch).map(curriculum::example));
      for (int i = 0; i < losses.values.size(); i++) {
        stepped(before + i + 1, epoch, losses.values.get(i), schedule.valueAt(before + i, epoch));
      }
      figures = evaluation.figures(student);
      evaluated(network.getIterationCount(), network.getEpochCount(), figures);
      checkpoints.save(network, network.getEpochCount());
    }
    return new Outcome(student, network.getIterationCount(), losses.last, figures);
  }

  private AllReduceTrainingMaster master() {
    return AllReduceTrainingMaster.builder(cluster.executors())
        .minExecutors(cluster.minExecutors())
        .transport(cluster.transport())
        .mtu(cluster.mtu())
        .mediaDriver(cluster.mediaDriver())
        .peerTimeoutSeconds(cluster.peerTimeoutSeconds())
        .executorWaitSeconds(cluster.executorWaitSeconds())
        .maxAttempts(cluster.maxAttempts())
        .dataSetsPerBatch(options.batchSize())
        .batchesPerStep(options.batchesPerStep())
        .oneThread()
        .build();
  }

  private JavaRDD<LabelledDocument> inOrder(JavaRDD<LabelledDocument> documents, int epoch) {
    long seed = Seeds.derive(options.seed(), epoch);
    return documents.sortBy(document -> document.key(seed), true, context.defaultParallelism());
  }

  private ComputationGraph fresh(ISchedule schedule) {
    StudentShape shape =
        new StudentShape(
            manifest.vocabularySize(),
            manifest.hiddenSize(),
            manifest.maxTokens(),
            manifest.classes().count());
    ComputationGraph network =
        new ComputationGraph(
            StudentGraph.configuration(
                shape,
                new DistillationLoss(options.weight(), options.temperature()),
                new Adam(schedule),
                options.seed()));
    network.init();
    return network;
  }

  /** A line down to 0. ND4J cannot read its own ramp back, so there is none. */
  private ISchedule schedule(long steps) {
    return new PolySchedule(
        ScheduleType.ITERATION, options.learningRate(), 1, Math.toIntExact(Math.max(1, steps)));
  }

  private void stepped(int step, int epoch, double loss, double learningRate) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("step", step);
    line.put("epoch", epoch);
    line.put("loss", loss);
    line.put("lr", learningRate);
    metrics.append(line);
  }

  private void evaluated(int step, int epoch, Map<String, Double> figures) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("step", step);
    figures.forEach((name, value) -> line.put("eval_" + name, value));
    metrics.append(line);
    LOG.info("epoch {} | step {} | validation {}", epoch, step, figures);
  }

  /** Each step's loss, told on the driver when its epoch is over. */
  private static final class Losses extends BaseTrainingListener {
    private final List<Double> values = new ArrayList<>();
    private double last;

    @Override
    public void iterationDone(Model model, int iteration, int epoch) {
      last = model.score();
      values.add(last);
    }
  }
}
