package org.sparktune.trainer.run;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the log, {@code metrics.jsonl} and the listener what happens, and keeps the time. */
final class RunLog {
  private static final Logger LOG = LoggerFactory.getLogger(RunLog.class);

  /** Steps in which the JVM still compiles; they are left out of the average if there are more. */
  private static final int WARMUP_STEPS = 3;

  private final JsonLinesFile metrics;
  private final TrainingListener listener;
  private final boolean first;
  private final long begin = System.nanoTime();
  private int stepsHere;
  private long windowTokens;
  private double windowSeconds;
  private long allTokens;
  private double allSeconds;
  private long averageTokens;
  private double averageSeconds;

  /**
   * @param first whether this is the rank that writes; the others only tell their listener
   */
  RunLog(Path metricsFile, TrainingListener listener, boolean first) {
    this.metrics = new JsonLinesFile(metricsFile);
    this.listener = listener;
    this.first = first;
  }

  void truncateAfter(long step) {
    if (first) {
      metrics.truncateAfter(step);
    }
  }

  void sample(long step) {
    if (first) {
      listener.sample(step);
    }
  }

  void checkpointed(long step, String location) {
    info("checkpoint {}", location);
    listener.checkpointed(step, location);
  }

  void started(TrainingPlan plan) {
    info(
        "{} rows, {} tokens ({} with loss); {} steps an epoch, {} in all, {} tokens a step",
        number(plan.rows()),
        number(plan.tokensPerEpoch()),
        number(plan.lossTokensPerEpoch()),
        number(plan.stepsPerEpoch()),
        number(plan.totalSteps()),
        number(plan.tokensPerStep()));
    info(
        "{} trained parameters; parameters, gradients and moments take {} bytes",
        number(plan.trainedParameters()),
        number(plan.trainingBytes()));
    listener.started(plan);
  }

  void stepped(
      Progress progress,
      long totalSteps,
      TrainingStep.Outcome outcome,
      double learningRate,
      double seconds,
      long logEvery) {
    stepsHere++;
    windowTokens += outcome.tokens();
    windowSeconds += seconds;
    allTokens += outcome.tokens();
    allSeconds += seconds;
    if (stepsHere > WARMUP_STEPS) {
      averageTokens += outcome.tokens();
      averageSeconds += seconds;
    }
    StepMetrics step =
        new StepMetrics(
            progress.step(),
            totalSteps,
            outcome.loss(),
            outcome.gradientNorm(),
            learningRate,
            progress.tokens(),
            seconds * 1e3,
            windowTokens / windowSeconds,
            outcome.figures());
    if (progress.step() % logEvery == 0 || progress.step() == totalSteps) {
      info(
          "step {}/{} | loss {}{} | grad norm {} | lr {} | {} ms | {} tok/s",
          step.step(),
          step.totalSteps(),
          "%.4f".formatted(step.loss()),
          step.figuresText(),
          "%.4f".formatted(step.gradientNorm()),
          "%.3e".formatted(step.learningRate()),
          "%.0f".formatted(step.millis()),
          "%,.0f".formatted(step.tokensPerSecond()));
      append(line(step));
      windowTokens = 0;
      windowSeconds = 0;
    }
    listener.stepped(step);
  }

  void evaluated(EvaluationMetrics evaluation) {
    info(
        "step {} | validation loss {}{} | over {}",
        evaluation.step(),
        "%.4f".formatted(evaluation.loss()),
        evaluation.figuresText(),
        number(evaluation.weight()));
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("step", evaluation.step());
    line.put("eval_loss", evaluation.loss());
    evaluation
        .figures()
        .forEach(
            (name, mean) ->
                line.put(name.equals(EvaluationMetrics.PERPLEXITY) ? name : "eval_" + name, mean));
    append(line);
    listener.evaluated(evaluation);
  }

  TrainingResult finished(Progress progress) {
    double seconds = (System.nanoTime() - begin) * 1e-9;
    TrainingResult result =
        new TrainingResult(
            progress.step(),
            progress.loss(),
            progress.tokens(),
            seconds,
            averageTokensPerSecond(),
            Optional.ofNullable(progress.lastEvaluation()),
            Optional.ofNullable(progress.bestEvaluation()));
    info(
        "{} steps, {} tokens; {} s here, {} tok/s on average",
        number(result.steps()),
        number(result.tokens()),
        "%.1f".formatted(seconds),
        "%,.0f".formatted(result.tokensPerSecond()));
    listener.finished(result);
    return result;
  }

  private double averageTokensPerSecond() {
    if (averageSeconds > 0) {
      return averageTokens / averageSeconds;
    }
    return allSeconds > 0 ? allTokens / allSeconds : 0;
  }

  private static Map<String, Object> line(StepMetrics step) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("step", step.step());
    line.put("loss", step.loss());
    line.put("grad_norm", step.gradientNorm());
    line.put("lr", step.learningRate());
    line.put("tokens", step.tokens());
    line.put("tokens_per_s", step.tokensPerSecond());
    line.putAll(step.figures());
    return line;
  }

  private void info(String format, Object... values) {
    if (first) {
      LOG.info(format, values);
    }
  }

  private void append(Map<String, Object> line) {
    if (first) {
      metrics.append(line);
    }
  }

  private static String number(long value) {
    return "%,d".formatted(value);
  }
}
