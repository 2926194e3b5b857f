package org.sparktune.jobs.ranks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.trainer.run.EvaluationMetrics;
import org.sparktune.trainer.run.StepMetrics;
import org.sparktune.trainer.run.TrainingListener;
import org.sparktune.trainer.run.TrainingPlan;
import org.sparktune.trainer.run.TrainingResult;

/**
 * A rank's line to the driver. A thread of its own sends what the training says and brings back the
 * driver's order, so that the training never waits for the network. A driver that cannot be reached
 * is not the training's business: Spark ends executors whose driver is gone.
 */
public final class DriverLink implements TrainingListener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DriverLink.class);

  /** How often a rank that has nothing to say asks for orders. */
  private static final long PERIOD_MILLIS = 500;

  private final Headquarters driver;
  private final RunTicket ticket;
  private final int rank;
  private final Thread sender;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private List<ProgressEvent> waiting = new ArrayList<>();
  private RankReport.Stage stage = RankReport.Stage.RUNNING;
  private Order order = Order.CONTINUE;
  private Runnable onLeave = () -> {};

  /** Opens the line. */
  public DriverLink(Headquarters driver, RunTicket ticket, int rank) {
    this.driver = driver;
    this.ticket = ticket;
    this.rank = rank;
    this.sender = new Thread(this::send, "rank " + rank + " to driver");
    sender.setDaemon(true);
    sender.start();
  }

  /** Whether the driver wants the training to end with a checkpoint. */
  public boolean stopRequested() {
    lock.lock();
    try {
      return order == Order.STOP;
    } finally {
      lock.unlock();
    }
  }

  /** Says what to do when another attempt has taken over; runs on the line's thread. */
  public void whenToldToLeave(Runnable action) {
    lock.lock();
    try {
      onLeave = action;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void started(TrainingPlan plan) {
    add(new ProgressEvent.Started(plan));
  }

  @Override
  public void stepped(StepMetrics metrics) {
    add(new ProgressEvent.Stepped(metrics));
  }

  @Override
  public void evaluated(EvaluationMetrics metrics) {
    add(new ProgressEvent.Evaluated(metrics));
  }

  @Override
  public void sample(long step) {
    add(new ProgressEvent.Sampled(step));
  }

  @Override
  public void checkpointed(long step, String location) {
    add(new ProgressEvent.Checkpointed(step, location));
  }

  @Override
  public void finished(TrainingResult result) {
    add(ProgressEvent.Finished.of(result));
  }

  /** Says that this rank fails; to be followed by {@link #close}. */
  public void failed() {
    enter(RankReport.Stage.FAILED);
  }

  /** Sends what is left and says that this rank has ended. */
  @Override
  public void close() {
    enter(RankReport.Stage.ENDED);
    boolean interrupted = false;
    while (sender.isAlive()) {
      try {
        sender.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void enter(RankReport.Stage newStage) {
    lock.lock();
    try {
      if (stage == RankReport.Stage.RUNNING) {
        stage = newStage;
      }
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  private void add(ProgressEvent event) {
    lock.lock();
    try {
      waiting.add(event);
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  private void send() {
    RankReport.Stage told = RankReport.Stage.RUNNING;
    while (told == RankReport.Stage.RUNNING) {
      List<ProgressEvent> events;
      lock.lock();
      try {
        long nanos = TimeUnit.MILLISECONDS.toNanos(PERIOD_MILLIS);
        while (waiting.isEmpty() && stage == RankReport.Stage.RUNNING && nanos > 0) {
          nanos = changed.awaitNanos(nanos);
        }
        events = waiting;
        waiting = new ArrayList<>();
        told = stage;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      } finally {
        lock.unlock();
      }
      report(events, told);
    }
  }

  private void report(List<ProgressEvent> events, RankReport.Stage told) {
    RankReport report =
        new RankReport(ticket.runId(), ticket.attempt(), rank, Rendezvous.hostName(), told, events);
    try {
      obey(driver.report(report.write()));
    } catch (IOException e) {
      LOG.warn("The driver does not answer ({}); {} events are lost to it", e, events.size());
    }
  }

  private void obey(Order newOrder) {
    Runnable leave = null;
    lock.lock();
    try {
      if (newOrder == Order.LEAVE && order != Order.LEAVE) {
        leave = onLeave;
      }
      order = newOrder;
    } finally {
      lock.unlock();
    }
    if (leave != null) {
      LOG.warn("Rank {} of {} leaves: another attempt has taken over", rank, ticket);
      leave.run();
    }
  }
}
