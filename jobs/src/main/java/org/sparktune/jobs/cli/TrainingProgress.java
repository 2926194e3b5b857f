package org.sparktune.jobs.cli;

import java.io.PrintStream;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.sparktune.trainer.run.EvaluationMetrics;
import org.sparktune.trainer.run.StepMetrics;
import org.sparktune.trainer.run.TrainingListener;
import org.sparktune.trainer.run.TrainingPlan;
import org.sparktune.trainer.run.TrainingResult;

/**
 * A progress bar for a training on a terminal. Elsewhere the training loop's own log lines tell the
 * same; on a terminal the launcher turns those off.
 */
final class TrainingProgress implements TrainingListener, AutoCloseable {
  private static final int COLUMNS = 110;

  private final PrintStream err;
  private final boolean interactive;
  private ProgressBar bar;

  TrainingProgress(Console console) {
    this.err = console.err();
    this.interactive = console.interactive();
  }

  @Override
  public void started(TrainingPlan plan) {
    if (!interactive) {
      return;
    }
    close(); // the bar of an attempt that was lost
    err.printf(
        "  %,d rows, %,d tokens an epoch of which %,d carry loss; %,d trained parameters%s%n",
        plan.rows(),
        plan.tokensPerEpoch(),
        plan.lossTokensPerEpoch(),
        plan.trainedParameters(),
        plan.resumedStep() > 0 ? "; going on from step " + plan.resumedStep() : "");
    bar =
        new ProgressBarBuilder()
            .setTaskName("  training")
            .setInitialMax(plan.totalSteps())
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis(200)
            .setConsumer(new ConsoleProgressBarConsumer(err, COLUMNS))
            .build();
    bar.stepTo(plan.resumedStep());
  }

  @Override
  public void stepped(StepMetrics metrics) {
    if (bar != null) {
      bar.setExtraMessage(
          " loss %.4f, %,.0f tok/s".formatted(metrics.loss(), metrics.tokensPerSecond()));
      bar.stepTo(metrics.step());
    }
  }

  @Override
  public void evaluated(EvaluationMetrics metrics) {
    if (bar != null) {
      // The bar redraws its line, so the text has to cover what is left of it.
      String text =
          "  step %d: validation loss %.4f%s"
              .formatted(metrics.step(), metrics.loss(), metrics.figuresText());
      err.println("\r" + text + " ".repeat(Math.max(0, COLUMNS - text.length())));
    }
  }

  @Override
  public void finished(TrainingResult result) {
    close();
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
