package org.sparktune.jobs.spark;

import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.trainer.run.EvaluationMetrics;
import org.sparktune.trainer.run.StepMetrics;
import org.sparktune.trainer.run.TrainingListener;
import org.sparktune.trainer.run.TrainingPlan;
import org.sparktune.trainer.run.TrainingResult;

/**
 * What the driver knows of a training: passes it on, remembers the newest checkpoint, and, when the
 * training runs in other processes, writes into the driver's log what rank 0 writes into its own.
 */
final class ProgressWatch implements TrainingListener {
  private static final Logger LOG = LoggerFactory.getLogger(ProgressWatch.class);

  private final TrainingListener next;
  private final boolean elsewhere;
  private volatile long newestCheckpoint;

  /**
   * @param elsewhere whether the ranks are other processes
   */
  ProgressWatch(TrainingListener next, boolean elsewhere) {
    this.next = next;
    this.elsewhere = elsewhere;
  }

  /** The step of the newest checkpoint that is known of; 0 without one. */
  long newestCheckpoint() {
    return newestCheckpoint;
  }

  @Override
  public void started(TrainingPlan plan) {
    newestCheckpoint = plan.resumedStep();
    next.started(plan);
  }

  @Override
  public void stepped(StepMetrics metrics) {
    if (elsewhere) {
      LOG.info(
          "step {}/{} | loss {} | grad norm {} | {} ms | {} tok/s",
          metrics.step(),
          metrics.totalSteps(),
          rounded("%.4f", metrics.loss()),
          rounded("%.4f", metrics.gradientNorm()),
          rounded("%.0f", metrics.millis()),
          rounded("%,.0f", metrics.tokensPerSecond()));
    }
    next.stepped(metrics);
  }

  @Override
  public void evaluated(EvaluationMetrics metrics) {
    if (elsewhere) {
      LOG.info(
          "step {} | validation loss {}{}",
          metrics.step(),
          rounded("%.4f", metrics.loss()),
          metrics.figuresText());
    }
    next.evaluated(metrics);
  }

  @Override
  public void sample(long step) {
    next.sample(step);
  }

  @Override
  public void checkpointed(long step, String location) {
    newestCheckpoint = step;
    if (elsewhere) {
      LOG.info("checkpoint {}", location);
    }
    next.checkpointed(step, location);
  }

  @Override
  public void finished(TrainingResult result) {
    next.finished(result);
  }

  private static String rounded(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }
}
