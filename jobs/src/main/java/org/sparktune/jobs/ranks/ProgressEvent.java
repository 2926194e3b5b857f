package org.sparktune.jobs.ranks;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Optional;
import org.sparktune.trainer.run.EvaluationMetrics;
import org.sparktune.trainer.run.StepMetrics;
import org.sparktune.trainer.run.TrainingListener;
import org.sparktune.trainer.run.TrainingPlan;
import org.sparktune.trainer.run.TrainingResult;

/** A call of a {@link TrainingListener} that travels to another process. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "event")
@JsonSubTypes({
  @JsonSubTypes.Type(value = ProgressEvent.Started.class, name = "started"),
  @JsonSubTypes.Type(value = ProgressEvent.Stepped.class, name = "stepped"),
  @JsonSubTypes.Type(value = ProgressEvent.Evaluated.class, name = "evaluated"),
  @JsonSubTypes.Type(value = ProgressEvent.Sampled.class, name = "sampled"),
  @JsonSubTypes.Type(value = ProgressEvent.Checkpointed.class, name = "checkpointed"),
  @JsonSubTypes.Type(value = ProgressEvent.Finished.class, name = "finished")
})
sealed interface ProgressEvent {

  /** Makes the call. */
  void tell(TrainingListener listener);

  /** {@link TrainingListener#started}. */
  record Started(@JsonProperty("plan") TrainingPlan plan) implements ProgressEvent {
    @Override
    public void tell(TrainingListener listener) {
      listener.started(plan);
    }
  }

  /** {@link TrainingListener#stepped}. */
  record Stepped(@JsonProperty("metrics") StepMetrics metrics) implements ProgressEvent {
    @Override
    public void tell(TrainingListener listener) {
      listener.stepped(metrics);
    }
  }

  /** {@link TrainingListener#evaluated}. */
  record Evaluated(@JsonProperty("metrics") EvaluationMetrics metrics) implements ProgressEvent {
    @Override
    public void tell(TrainingListener listener) {
      listener.evaluated(metrics);
    }
  }

  /** {@link TrainingListener#sample}. */
  record Sampled(@JsonProperty("step") long step) implements ProgressEvent {
    @Override
    public void tell(TrainingListener listener) {
      listener.sample(step);
    }
  }

  /** {@link TrainingListener#checkpointed}. */
  record Checkpointed(@JsonProperty("step") long step, @JsonProperty("location") String location)
      implements ProgressEvent {
    @Override
    public void tell(TrainingListener listener) {
      listener.checkpointed(step, location);
    }
  }

  /**
   * {@link TrainingListener#finished}.
   *
   * @param last null without a validation split
   * @param best null without a validation split
   */
  record Finished(
      @JsonProperty("steps") long steps,
      @JsonProperty("loss") double loss,
      @JsonProperty("tokens") long tokens,
      @JsonProperty("seconds") double seconds,
      @JsonProperty("tokens_per_s") double tokensPerSecond,
      @JsonProperty("last") EvaluationMetrics last,
      @JsonProperty("best") EvaluationMetrics best)
      implements ProgressEvent {
    static Finished of(TrainingResult result) {
      return new Finished(
          result.steps(),
          result.finalLoss(),
          result.tokens(),
          result.seconds(),
          result.tokensPerSecond(),
          result.lastEvaluation().orElse(null),
          result.bestEvaluation().orElse(null));
    }

    @Override
    public void tell(TrainingListener listener) {
      listener.finished(
          new TrainingResult(
              steps,
              loss,
              tokens,
              seconds,
              tokensPerSecond,
              Optional.ofNullable(last),
              Optional.ofNullable(best)));
    }
  }
}
