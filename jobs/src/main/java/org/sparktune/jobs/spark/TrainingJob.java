package org.sparktune.jobs.spark;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.training.StopSignal;
import org.sparktune.jobs.training.TrainingRequest;
import org.sparktune.jobs.training.TrainingRunner;

/**
 * Hosts a training in a Spark task. There is one task now; it is a map over ranks, so that several
 * executors are a longer list of ranks. Only the request goes to the executor, inside the function,
 * and only a small JSON text comes back: neither depends on Spark's data serializer.
 */
public final class TrainingJob {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingJob.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  private TrainingJob() {}

  /**
   * What a rank answers. A failure that a user can deal with is an answer too: Spark does not tell
   * the driver of a task that fails while the process is being stopped, and the driver would wait.
   *
   * @param result what the training reports; null after a failure
   * @param code the kind of failure; null without one
   * @param message what went wrong
   * @param hint what to do about it
   */
  record Answer(
      @JsonProperty("result") Map<String, Object> result,
      @JsonProperty("code") ErrorCode code,
      @JsonProperty("message") String message,
      @JsonProperty("hint") String hint) {

    Map<String, Object> resultOrThrow() {
      if (code != null) {
        throw new SparktuneException(code, message, hint);
      }
      return result;
    }
  }

  /** Runs a training on an executor and waits for it. */
  public static Map<String, Object> run(SparkSession session, TrainingRequest request) {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
    context.setJobDescription("training task " + request.task().name());
    try {
      List<String> answers =
          context.parallelize(List.of(0), 1).map(new TrainOnExecutor(request)).collect();
      return JSON.readValue(answers.get(0), Answer.class).resultOrThrow();
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("The executor returned no JSON", e);
    } finally {
      context.setJobDescription(null);
    }
  }

  /** Trains as one rank. */
  private static final class TrainOnExecutor implements Function<Integer, String> {
    private static final long serialVersionUID = 1L;

    private final TrainingRequest request;

    TrainOnExecutor(TrainingRequest request) {
      this.request = request;
    }

    @Override
    public String call(Integer rank) throws JsonProcessingException {
      TaskContext task = TaskContext.get();
      BooleanSupplier stop = () -> StopSignal.requested() || (task != null && task.isInterrupted());
      try {
        return JSON.writeValueAsString(
            new Answer(TrainingRunner.run(request, stop), null, null, null));
      } catch (SparktuneException e) {
        LOG.debug("The training of task {} failed", request.task().name(), e);
        return JSON.writeValueAsString(new Answer(null, e.code(), e.getMessage(), e.hint()));
      }
    }
  }
}
