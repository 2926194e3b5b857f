package org.sparktune.jobs.ranks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.sparktune.pipeline.spec.ClusterOptions;
import org.sparktune.trainer.run.EvaluationMetrics;
import org.sparktune.trainer.run.StepMetrics;
import org.sparktune.trainer.run.TrainingListener;
import org.sparktune.trainer.run.TrainingPlan;
import org.sparktune.trainer.run.TrainingResult;

@Timeout(60)
class DriverLinkTest {
  private static final String RUN = "run of a test";
  private static final TrainingPlan PLAN = new TrainingPlan(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
  private static final StepMetrics STEP =
      new StepMetrics(
          3, 9, 0.1, 1e-30, 2e-4, 17, 1.5, 1e9, new TreeMap<>(Map.of("accuracy", 0.75)));
  private static final EvaluationMetrics EVALUATION =
      new EvaluationMetrics(3, 0.7, 55, new TreeMap<>(Map.of("perplexity", 2.01)));
  private static final TrainingResult RESULT =
      new TrainingResult(9, 0.3, 99, 1.5, 66, Optional.of(EVALUATION), Optional.empty());

  private final List<Object> heard = new ArrayList<>();

  @Test
  void shouldBringEveryEventOfRankZeroToTheDriverInOrder() {
    try (RunHub hub = RunHub.open(RUN, new Recorder(), () -> false)) {
      hub.begin(1, 2);
      for (int rank : List.of(0, 1)) {
        try (DriverLink link = new DriverLink(RunHub::receive, ticket(1), rank)) {
          link.started(PLAN);
          link.stepped(STEP);
          link.evaluated(EVALUATION);
          link.sample(3);
          link.checkpointed(3, "a/b");
          link.finished(RESULT);
        }
      }
    }
    assertEquals(List.of(PLAN, STEP, EVALUATION, 3L, "a/b", RESULT), heard);
  }

  @Test
  void shouldBringTheDriversWishToStop() throws InterruptedException {
    AtomicBoolean stop = new AtomicBoolean();
    CountDownLatch asked = new CountDownLatch(2);
    try (RunHub hub = RunHub.open(RUN, new Recorder(), stop::get)) {
      hub.begin(1, 1);
      Headquarters counting =
          report -> {
            Order order = RunHub.receive(report);
            asked.countDown();
            return order;
          };
      try (DriverLink link = new DriverLink(counting, ticket(1), 0)) {
        assertFalse(link.stopRequested());
        stop.set(true);
        // It asks although the training says nothing.
        assertTrue(asked.await(30, TimeUnit.SECONDS));
        while (!link.stopRequested()) {
          Thread.onSpinWait();
        }
      }
    }
  }

  @Test
  void shouldTellARankOfAnEarlierAttemptToLeave() throws InterruptedException {
    CountDownLatch left = new CountDownLatch(1);
    try (RunHub hub = RunHub.open(RUN, new Recorder(), () -> false)) {
      hub.begin(2, 1);
      try (DriverLink link = new DriverLink(RunHub::receive, ticket(1), 0)) {
        link.whenToldToLeave(left::countDown);
        link.stepped(STEP);
        assertTrue(left.await(30, TimeUnit.SECONDS));
        assertFalse(link.stopRequested(), "a rank that leaves writes no checkpoint");
      }
    }
    assertEquals(List.of(), heard);
    assertEquals(
        Order.LEAVE,
        RunHub.receive(
            new RankReport(RUN, 2, 0, "host", RankReport.Stage.RUNNING, List.of()).write()),
        "the run is over");
  }

  @Test
  void shouldGoOnWhenTheDriverDoesNotAnswer() {
    Headquarters silent =
        report -> {
          throw new IOException("no route");
        };
    try (DriverLink link = new DriverLink(silent, ticket(1), 0)) {
      link.stepped(STEP);
      assertFalse(link.stopRequested());
    }
  }

  @Test
  void shouldNameRanksThatDoNotEndWhenAnotherFailed() {
    try (RunHub hub = RunHub.open(RUN, new Recorder(), () -> false)) {
      hub.begin(1, 3);
      report(0, RankReport.Stage.RUNNING);
      report(1, RankReport.Stage.ENDED);
      assertEquals(Optional.empty(), hub.stragglers(Duration.ZERO), "nobody failed");
      report(2, RankReport.Stage.FAILED);
      assertEquals(Optional.empty(), hub.stragglers(Duration.ofHours(1)));
      assertEquals(Optional.of("rank 0 on host 0"), hub.stragglers(Duration.ZERO));
      report(0, RankReport.Stage.FAILED);
      assertEquals(Optional.empty(), hub.stragglers(Duration.ZERO));
    }
  }

  private static void report(int rank, RankReport.Stage stage) {
    RunHub.receive(new RankReport(RUN, 1, rank, "host " + rank, stage, List.of()).write());
  }

  private static RunTicket ticket(int attempt) {
    ClusterOptions options =
        new ClusterOptions(
            2, 2, ClusterOptions.Transport.AUTO, ClusterOptions.Wire.FP32, 1408, "", 30, 120, 3);
    return new RunTicket(RUN, attempt, new byte[32], CodeVersion.get(), options);
  }

  private final class Recorder implements TrainingListener {
    @Override
    public void started(TrainingPlan plan) {
      heard.add(plan);
    }

    @Override
    public void stepped(StepMetrics metrics) {
      heard.add(metrics);
    }

    @Override
    public void evaluated(EvaluationMetrics metrics) {
      heard.add(metrics);
    }

    @Override
    public void sample(long step) {
      heard.add(step);
    }

    @Override
    public void checkpointed(long step, String location) {
      heard.add(location);
    }

    @Override
    public void finished(TrainingResult result) {
      heard.add(result);
    }
  }
}
