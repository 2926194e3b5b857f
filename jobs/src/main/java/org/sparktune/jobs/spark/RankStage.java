package org.sparktune.jobs.spark;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.ranks.RunHub;
import org.sparktune.jobs.ranks.RunTicket;
import org.sparktune.jobs.training.TrainingRequest;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/** The ranks of one attempt, as one Spark job of one stage. */
final class RankStage {
  private static final long POLL_MILLIS = 250;

  /** How much longer than the collective itself the driver waits for ranks to notice a failure. */
  private static final Duration GRACE = Duration.ofSeconds(30);

  /** What Spark says of a job that somebody cancelled. */
  private static final Pattern CANCELLED = Pattern.compile("^Job \\d+ cancelled");

  private final JavaSparkContext context;
  private final RunHub hub;

  RankStage(JavaSparkContext context, RunHub hub) {
    this.context = context;
    this.hub = hub;
  }

  /** An attempt that ended without an answer of every rank. */
  static final class LostException extends Exception {
    private static final long serialVersionUID = 1L;

    LostException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * Runs the ranks and waits for them.
   *
   * @return every rank's answer, by rank
   * @throws LostException if an executor was lost, a task failed unforeseen or a rank hangs
   * @throws SparktuneException {@code INTERRUPTED} if the calling thread was interrupted
   */
  List<RankAnswer> run(TrainingRequest request, RunTicket ticket, int ranks) throws LostException {
    hub.begin(ticket.attempt(), ranks);
    List<Integer> numbers = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      numbers.add(rank);
    }
    ClassTag<String> texts = ClassTag$.MODULE$.apply(String.class);
    RDD<Integer> source = context.parallelize(numbers, ranks).rdd();
    RDD<String> answers =
        ranks > 1
            ? source.barrier().mapPartitions(new RankTask(request, ticket, true), false, texts)
            : source.mapPartitions(new RankTask(request, ticket, false), false, texts);
    List<RankAnswer> parsed = new ArrayList<>();
    Duration patience = Duration.ofSeconds(ticket.cluster().peerTimeoutSeconds()).plus(GRACE);
    for (String text : await(new JavaRDD<>(answers, texts).collectAsync(), patience)) {
      parsed.add(RankAnswer.parse(text));
    }
    return parsed;
  }

  private List<String> await(JavaFutureAction<List<String>> job, Duration patience)
      throws LostException {
    while (true) {
      try {
        return job.get(POLL_MILLIS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException stillRunning) {
        Optional<String> stragglers = hub.stragglers(patience);
        if (stragglers.isPresent()) {
          job.cancel(true);
          throw new LostException(
              "%s did not end when other ranks failed".formatted(stragglers.get()), stillRunning);
        }
      } catch (ExecutionException e) {
        String message = String.valueOf(e.getCause().getMessage());
        if (context.sc().isStopped() || CANCELLED.matcher(message).find()) {
          throw new SparktuneException(
              ErrorCode.INTERRUPTED,
              "The training's Spark job was cancelled.",
              "Run the same command again to go on.",
              e.getCause());
        }
        throw new LostException(e.getCause().getMessage(), e.getCause());
      } catch (InterruptedException e) {
        job.cancel(true);
        Thread.currentThread().interrupt();
        throw new SparktuneException(
            ErrorCode.INTERRUPTED,
            "The training was interrupted.",
            "Run the same command again to go on.",
            e);
      }
    }
  }
}
