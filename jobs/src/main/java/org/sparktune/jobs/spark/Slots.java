package org.sparktune.jobs.spark;

import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.ClusterOptions;

/**
 * With how many ranks a training can go on now. A barrier stage needs a slot for each of its tasks
 * at once, and Spark gives no good answer where there are too few.
 */
public final class Slots {
  private static final Logger LOG = LoggerFactory.getLogger(Slots.class);

  private final SparkContext context;
  private final ClusterOptions options;
  private final ExecutorWatch watch;
  private final boolean oneProcess;

  /** Slots of a context. */
  public Slots(SparkContext context, ClusterOptions options, ExecutorWatch watch) {
    this.context = context;
    this.options = options;
    this.watch = watch;
    this.oneProcess = SparkSettings.isOneProcess(context.master());
  }

  /**
   * The number of ranks of the next attempt, after waiting for executors if need be.
   *
   * @throws SparktuneException {@code RESOURCES} if there are fewer than the specification allows,
   *     {@code UNSUPPORTED} with dynamic allocation
   */
  public int ranks() {
    int wanted = options.executors();
    if (wanted == 1) {
      return 1; // an ordinary stage, for which Spark waits itself
    }
    requireFixedExecutors();
    int found = await(wanted);
    if (found >= wanted) {
      return wanted;
    }
    if (found < options.minExecutors()) {
      throw tooFew(found);
    }
    LOG.warn("{} executors train, 'executors' is {}; the result is the same", found, wanted);
    return found;
  }

  private int await(int wanted) {
    long seconds = oneProcess ? 0 : options.executorWaitSeconds();
    try {
      return watch.awaitSlots(wanted, TimeUnit.SECONDS.toNanos(seconds), this::count);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SparktuneException(
          ErrorCode.INTERRUPTED,
          "The training was interrupted while it waited for executors.",
          "Run the same command again to go on.",
          e);
    }
  }

  /** Spark's own count, of which a barrier stage's admission depends too. */
  private int count() {
    return context.maxNumConcurrentTasks(context.resourceProfileManager().defaultResourceProfile());
  }

  private void requireFixedExecutors() {
    if (!oneProcess && context.getConf().getBoolean("spark.dynamicAllocation.enabled", false)) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "'executors' is %d, but Spark allocates executors dynamically, and then runs no barrier stage."
              .formatted(options.executors()),
          "Add --conf spark.dynamicAllocation.enabled=false --conf spark.executor.instances=%d."
              .formatted(options.executors()));
    }
  }

  private SparktuneException tooFew(int found) {
    if (oneProcess) {
      return new SparktuneException(
          ErrorCode.RESOURCES,
          "'executors' is %d, but the master %s has %d slots."
              .formatted(options.executors(), context.master(), found),
          "Use --master 'local[%d]', leave --master out, or set 'executors' to %d."
              .formatted(options.executors(), Math.max(1, found)));
    }
    return new SparktuneException(
        ErrorCode.RESOURCES,
        "'executors' is %d and 'min_executors' %d, but the cluster gave %d slots in %d seconds."
            .formatted(
                options.executors(), options.minExecutors(), found, options.executorWaitSeconds()),
        "Give Spark more executors, lower 'executors' or 'min_executors', or wait longer with 'cluster.executor_wait_seconds'; finished steps are kept.");
  }
}
