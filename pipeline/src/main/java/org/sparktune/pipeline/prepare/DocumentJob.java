package org.sparktune.pipeline.prepare;

import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkExecutorInfo;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.core.WriteFailure;
import org.sparktune.pipeline.reward.RewardStatistics;
import org.sparktune.pipeline.source.Piece;

/**
 * The Spark job of two stages from pieces of input to the parts of a folder; where duplicates are
 * to be left out, scores normalized or pairs made, passes over what is needed for that come before
 * (see {@link DocumentPasses}). The first stage reads pieces and makes documents (see {@link
 * PieceTask}); the shuffle puts them in their parts and order; the second packs and writes parts
 * (see {@link PartTask}). No data passes through the driver.
 */
final class DocumentJob {
  private static final Logger LOG = LoggerFactory.getLogger(DocumentJob.class);

  private static final long TASKS_END_NANOS = TimeUnit.SECONDS.toNanos(20);

  /**
   * What the Spark jobs give back.
   *
   * @param outcomes of every part
   * @param rewards what scores were normalized by, or null
   * @param pairCounts what was counted while pairs were made
   */
  record Result(
      List<PartTask.Outcome> outcomes, RewardStatistics rewards, Map<String, Long> pairCounts) {}

  private final SparkSession spark;
  private final PrepareOptions options;
  private final long pieceBytes;

  DocumentJob(SparkSession spark, PrepareOptions options, long pieceBytes) {
    this.spark = spark;
    this.options = options;
    this.pieceBytes = pieceBytes;
  }

  /**
   * Writes the parts.
   *
   * @param folder where to
   */
  Result run(List<Piece> pieces, LoadedModel model, Curation curation, String folder) {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    PartLayout layout = PartLayout.of(pieces, options, pieceBytes);
    LOG.info(
        "Preparing {} pieces of input into {} parts",
        pieces.size(),
        layout.trainParts() + layout.validationParts());
    Broadcast<SerializableConfiguration> configuration =
        context.broadcast(new SerializableConfiguration(context.hadoopConfiguration()));
    Broadcast<Curation> stages = context.broadcast(curation);
    PrepareOptions taskOptions = options;
    try (DocumentPasses passes =
        new DocumentPasses(
            spark, options, pieces, layout, model.fingerprint(), stages, configuration)) {
      List<PartTask.Outcome> outcomes =
          passes
              .documents()
              .repartitionAndSortWithinPartitions(
                  new PartPartitioner(layout.partitions()), new DocumentKey.Order())
              .mapPartitionsWithIndex(
                  (partition, records) ->
                      List.of(
                              new PartTask(
                                      taskOptions, layout, folder, configuration.value().value())
                                  .run(partition, TaskContext.get().taskAttemptId(), records))
                          .iterator(),
                  true)
              .collect();
      if (options.dataset().deduplicate().fingerprints()) {
        passes.writeFingerprints(folder, layout.trainParts());
      }
      return new Result(outcomes, passes.statistics(), passes.pairCounts());
    } catch (Exception e) {
      // Scala code throws checked exceptions without saying so.
      awaitOtherTasks(context);
      throw cause(e);
    } finally {
      stages.destroy();
      configuration.destroy();
    }
  }

  /**
   * A failed job's other tasks end a little later; until then they write to the folder that is to
   * be removed.
   */
  private static void awaitOtherTasks(JavaSparkContext context) {
    long end = System.nanoTime() + TASKS_END_NANOS;
    while (runningTasks(context) > 0 && System.nanoTime() < end) {
      try {
        TimeUnit.MILLISECONDS.sleep(20);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private static int runningTasks(JavaSparkContext context) {
    int running = 0;
    for (SparkExecutorInfo executor : context.sc().statusTracker().getExecutorInfos()) {
      running += executor.numRunningTasks();
    }
    return running;
  }

  /** Spark wraps what a task threw. */
  static RuntimeException cause(Exception failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof SparktuneException known) {
        return known;
      }
    }
    // Only now: Spark's own message quotes what a task said.
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (WriteFailure.isFull(t)) {
        return new SparktuneException(
            ErrorCode.RESOURCES,
            "The disk of Spark's temporary files is full (%s)."
                .formatted(System.getProperty("java.io.tmpdir")),
            "Free some space, or name a larger folder with --conf spark.local.dir=FOLDER.",
            failure);
      }
    }
    String reason = String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
    return new SparktuneException(
        ErrorCode.INTERNAL,
        "The preparation's Spark job failed: " + reason + ".",
        "The log of the failed task says more.",
        failure);
  }
}
