package org.sparktune.jobs.cli;

import java.io.PrintStream;
import java.nio.file.Path;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.sparktune.trainer.run.EvaluationMetrics;
import org.sparktune.trainer.run.StepMetrics;
import org.sparktune.trainer.run.TrainingListener;
import org.sparktune.trainer.run.TrainingPlan;
import org.sparktune.trainer.run.TrainingResult;

/** Shows a training: a bar that stays in place on a terminal, lines otherwise. */
final class TrainingProgress implements TrainingListener, AutoCloseable {
  private static final int BAR_COLUMNS = 110;
  private static final long LINE_INTERVAL_NANOS = 2_000_000_000L;

  private final PrintStream err;
  private final boolean interactive;
  private ProgressBar bar;
  private long lastLine;

  TrainingProgress(Console console) {
    this.err = console.err();
    this.interactive = console.interactive();
  }

  @Override
  public void started(TrainingPlan plan) {
    err.printf(
        "  %,d rows, %,d tokens an epoch of which %,d carry loss; %,d steps of about %,d tokens; %,d trained parameters%n",
        plan.rows(),
        plan.tokensPerEpoch(),
        plan.lossTokensPerEpoch(),
        plan.totalSteps(),
        plan.tokensPerStep(),
        plan.trainedParameters());
    if (plan.resumedStep() > 0) {
      err.printf("  going on from the checkpoint of step %,d%n", plan.resumedStep());
    }
    if (interactive) {
      bar =
          new ProgressBarBuilder()
              .setTaskName("  training")
              .setInitialMax(plan.totalSteps())
              .setStyle(ProgressBarStyle.ASCII)
              .setUpdateIntervalMillis(200)
              .setConsumer(new ConsoleProgressBarConsumer(err, BAR_COLUMNS))
              .build();
      bar.stepTo(plan.resumedStep());
    }
  }

  @Override
  public void stepped(StepMetrics metrics) {
    if (bar != null) {
      bar.setExtraMessage(
          " loss %.4f, %,.0f tok/s".formatted(metrics.loss(), metrics.tokensPerSecond()));
      bar.stepTo(metrics.step());
      return;
    }
    boolean first = metrics.step() == 1;
    boolean last = metrics.step() == metrics.totalSteps();
    long now = System.nanoTime();
    if (first || last || now - lastLine >= LINE_INTERVAL_NANOS) {
      lastLine = now;
      err.printf(
          "  step %d/%d  loss %.4f  grad_norm %.3f  lr %.3g  %,.0f tok/s%n",
          metrics.step(),
          metrics.totalSteps(),
          metrics.loss(),
          metrics.gradientNorm(),
          metrics.learningRate(),
          metrics.tokensPerSecond());
    }
  }

  @Override
  public void evaluated(EvaluationMetrics metrics) {
    line(
        "  step %d  validation loss %.4f  perplexity %.3f"
            .formatted(metrics.step(), metrics.loss(), metrics.perplexity()));
  }

  @Override
  public void checkpointed(long step, Path folder) {
    if (!interactive) {
      line("  step %d  checkpoint %s".formatted(step, folder.getFileName()));
    }
  }

  @Override
  public void finished(TrainingResult result) {
    close();
  }

  /** The bar redraws its line, so a line of text has to begin on a fresh one. */
  private void line(String text) {
    err.println(
        bar == null ? text : "\r" + text + " ".repeat(Math.max(0, BAR_COLUMNS - text.length())));
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
