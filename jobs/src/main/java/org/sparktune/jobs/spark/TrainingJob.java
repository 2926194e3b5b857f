package org.sparktune.jobs.spark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.sql.SparkSession;
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
  private static final ObjectMapper JSON = new ObjectMapper();

  private TrainingJob() {}

  /** Runs a training on an executor and waits for it. */
  public static Map<String, Object> run(SparkSession session, TrainingRequest request) {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
    context.setJobDescription("training task " + request.task().name());
    try {
      List<String> results =
          context.parallelize(List.of(0), 1).map(new TrainOnExecutor(request)).collect();
      return JSON.readValue(results.get(0), new TypeReference<Map<String, Object>>() {});
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("The executor returned no JSON", e);
    } catch (Exception e) {
      // Scala code throws checked exceptions without saying so.
      throw cause(e);
    } finally {
      context.setJobDescription(null);
    }
  }

  /** Spark wraps what a task threw. */
  private static RuntimeException cause(Exception failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SparktuneException known) {
        return known;
      }
    }
    return new IllegalStateException("The training's Spark job failed", failure);
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
      return JSON.writeValueAsString(
          TrainingRunner.run(
              request, () -> StopSignal.requested() || (task != null && task.isInterrupted())));
    }
  }
}
