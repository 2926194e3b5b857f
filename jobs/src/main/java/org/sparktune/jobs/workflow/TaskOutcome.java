package org.sparktune.jobs.workflow;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Map;

/**
 * What became of a task.
 *
 * @param task its name
 * @param type its type
 * @param skipped whether it was done before
 * @param folder its folder
 * @param seconds how long the work took, in whichever run it was done
 * @param result what the task reports
 */
public record TaskOutcome(
    @JsonProperty("task") String task,
    @JsonProperty("type") String type,
    @JsonProperty("skipped") boolean skipped,
    @JsonProperty("folder") String folder,
    @JsonProperty("seconds") double seconds,
    @JsonProperty("result") Map<String, Object> result) {}
