package org.sparktune.jobs.plan;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * What a run would do.
 *
 * @param name the workflow's name
 * @param output the output folder
 * @param tasks in order
 * @param engine what would compute
 * @param gflops measured speed of a matrix product, in 10⁹ operations a second; times are derived
 *     from it
 * @param availableMemoryBytes what the machine has to give
 * @param heapBytes of it, what the JVM's heap may take
 */
public record WorkflowPlan(
    @JsonProperty("name") String name,
    @JsonProperty("output") String output,
    @JsonProperty("tasks") List<TaskPlan> tasks,
    @JsonProperty("engine") String engine,
    @JsonProperty("gflops") double gflops,
    @JsonProperty("available_memory_bytes") long availableMemoryBytes,
    @JsonProperty("heap_bytes") long heapBytes) {

  /** Refuses a plan with a task that needs more memory than there is. */
  public void requireFits() {
    for (TaskPlan task : tasks) {
      if (!task.done() && task.memoryBytes() != null && task.memoryBytes() > availableMemoryBytes) {
        throw new SparktuneException(
            ErrorCode.RESOURCES,
            "Task '%s' needs %.2f GiB of memory (%s) and the machine has %.2f GiB."
                .formatted(
                    task.task(),
                    task.memoryBytes() / (double) (1L << 30),
                    task.memory(),
                    availableMemoryBytes / (double) (1L << 30)),
            "Use a smaller batch_size or sequence_length, LoRA instead of full_ft, or precision bf16.");
      }
    }
  }
}
