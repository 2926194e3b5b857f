package org.sparktune.jobs.training;

import java.util.concurrent.TimeUnit;
import org.sparktune.jobs.storage.WorkFolder;
import org.sparktune.trainer.run.EvaluationMetrics;
import org.sparktune.trainer.run.StepMetrics;
import org.sparktune.trainer.run.TrainingListener;
import org.sparktune.trainer.run.TrainingPlan;
import org.sparktune.trainer.run.TrainingResult;

/**
 * Passes everything on, and keeps a task folder of another file system up to date: metrics, samples
 * and the ranks' figures go there with every evaluation and checkpoint, and a changed {@code
 * control.json} comes from there.
 */
final class PublishingListener implements TrainingListener {
  static final String CONTROL = "control.json";

  /** How often the control file is looked at: each time is a request to a name node or a store. */
  private static final long CONTROL_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final TrainingListener next;
  private final WorkFolder folder;
  private final boolean first;
  private long lookedAt = System.nanoTime();

  /**
   * @param first whether this is the rank that reads the control file
   */
  PublishingListener(TrainingListener next, WorkFolder folder, boolean first) {
    this.next = next;
    this.folder = folder;
    this.first = first;
  }

  @Override
  public void stepped(StepMetrics metrics) {
    next.stepped(metrics);
    if (first && folder.isRemote() && System.nanoTime() - lookedAt > CONTROL_NANOS) {
      folder.fetch(CONTROL);
      lookedAt = System.nanoTime();
    }
  }

  @Override
  public void evaluated(EvaluationMetrics metrics) {
    folder.publish();
    next.evaluated(metrics);
  }

  @Override
  public void checkpointed(long step, String location) {
    folder.publish();
    next.checkpointed(step, location);
  }

  @Override
  public void started(TrainingPlan plan) {
    next.started(plan);
  }

  @Override
  public void sample(long step) {
    next.sample(step);
  }

  @Override
  public void finished(TrainingResult result) {
    next.finished(result);
  }
}
