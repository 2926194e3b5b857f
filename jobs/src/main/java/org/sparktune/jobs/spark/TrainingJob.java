package org.sparktune.jobs.spark;

import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.ranks.CodeVersion;
import org.sparktune.jobs.ranks.RunHub;
import org.sparktune.jobs.ranks.RunTicket;
import org.sparktune.jobs.training.StopSignal;
import org.sparktune.jobs.training.TrainingRequest;
import org.sparktune.pipeline.spec.ClusterOptions;
import org.sparktune.trainer.run.TrainingListener;

/**
 * A training on Spark, from the driver's side: starts the ranks, and starts them again from the
 * last checkpoint when some were lost, with as many as there are then.
 *
 * <p>A failure that a user must deal with ends the training; a lost executor, a task that failed
 * unforeseen, or ranks that lost each other do not, unless nothing new was saved several times in a
 * row. In local mode there is nothing to lose but the driver, so there is one attempt.
 */
public final class TrainingJob {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingJob.class);
  private static final int SECRET_BYTES = 32;

  private final SparkContext context;
  private final TrainingRequest request;
  private final ClusterOptions cluster;
  private final ProgressWatch progress;
  private final ExecutorWatch executors = new ExecutorWatch();
  private final Slots slots;
  private final boolean oneProcess;
  private final String runId = UUID.randomUUID().toString();
  private final byte[] secret = new byte[SECRET_BYTES];

  private TrainingJob(
      SparkContext context,
      TrainingRequest request,
      ClusterOptions cluster,
      TrainingListener listener) {
    this.context = context;
    this.request = request;
    this.cluster = cluster;
    this.oneProcess = SparkSettings.isOneProcess(context.master());
    this.progress = new ProgressWatch(listener, !oneProcess);
    this.slots = new Slots(context, cluster, executors);
    new SecureRandom().nextBytes(secret);
  }

  /**
   * Trains on executors and waits for the end.
   *
   * @param listener is told what happens, attempt after attempt
   * @return what the task reports
   * @throws SparktuneException what the training failed with; {@code PEER_LOST} after too many
   *     attempts, {@code RESOURCES} with too few executors
   */
  public static Map<String, Object> run(
      SparkSession session,
      TrainingRequest request,
      ClusterOptions cluster,
      TrainingListener listener) {
    TrainingJob job = new TrainingJob(session.sparkContext(), request, cluster, listener);
    return job.run();
  }

  private Map<String, Object> run() {
    SparkSettings.requirePlugin(context);
    JavaSparkContext javaContext = JavaSparkContext.fromSparkContext(context);
    javaContext.setJobDescription("training task " + request.task().name());
    context.addSparkListener(executors);
    try (RunHub hub = RunHub.open(runId, progress, StopSignal::requested)) {
      return run(new RankStage(javaContext, hub));
    } finally {
      context.removeSparkListener(executors);
      javaContext.setJobDescription(null);
    }
  }

  private Map<String, Object> run(RankStage stage) {
    int fruitless = 0;
    for (int attempt = 1; ; attempt++) {
      long before = progress.newestCheckpoint();
      String why;
      Throwable cause;
      try {
        RunTicket ticket = new RunTicket(runId, attempt, secret, CodeVersion.get(), cluster);
        List<RankAnswer> answers = stage.run(request, ticket, slots.ranks());
        SparktuneException failure = worst(answers);
        if (failure == null) {
          return answers.get(0).result();
        }
        if (failure.code() != ErrorCode.PEER_LOST) {
          throw failure;
        }
        why = failure.getMessage();
        cause = failure;
      } catch (RankStage.LostException e) {
        String losses = executors.takeLosses();
        why = losses.isEmpty() ? e.getMessage() : losses;
        cause = e.getCause();
      }
      fruitless = progress.newestCheckpoint() > before ? 1 : fruitless + 1;
      refuseRetry(fruitless, why, cause);
      LOG.warn(
          "Attempt {} failed ({}); going on from {}",
          attempt,
          firstLine(why),
          progress.newestCheckpoint() == 0
              ? "the beginning"
              : "the checkpoint of step " + progress.newestCheckpoint());
    }
  }

  private void refuseRetry(int fruitless, String why, Throwable cause) {
    if (StopSignal.requested()) {
      throw new SparktuneException(
          ErrorCode.INTERRUPTED,
          "Training was stopped after the checkpoint of step %d (%s)."
              .formatted(progress.newestCheckpoint(), firstLine(why)),
          "Run the same command again to go on.",
          cause);
    }
    if (oneProcess && cause instanceof SparktuneException failure) {
      throw failure;
    }
    if (oneProcess) {
      throw new IllegalStateException("The training failed: " + firstLine(why), cause);
    }
    if (fruitless >= cluster.maxAttempts()) {
      throw new SparktuneException(
          ErrorCode.PEER_LOST,
          "The training failed %d times in a row without a new checkpoint; the last time: %s."
              .formatted(fruitless, firstLine(why)),
          "Look at the executors' logs; the same command goes on from the checkpoint of step %d."
              .formatted(progress.newestCheckpoint()),
          cause);
    }
  }

  /**
   * The failure to deal with: one that a user must deal with before an interruption, and that
   * before ranks that only say that they lost another.
   */
  private static SparktuneException worst(List<RankAnswer> answers) {
    SparktuneException worst = null;
    for (RankAnswer answer : answers) {
      SparktuneException failure = answer.failure();
      if (failure != null && (worst == null || weight(failure.code()) > weight(worst.code()))) {
        worst = failure;
      }
    }
    return worst;
  }

  private static int weight(ErrorCode code) {
    return code == ErrorCode.PEER_LOST ? 0 : code == ErrorCode.INTERRUPTED ? 1 : 2;
  }

  private static String firstLine(String text) {
    return String.valueOf(text).lines().findFirst().orElse("").strip();
  }
}
