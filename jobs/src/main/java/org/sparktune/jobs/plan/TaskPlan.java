package org.sparktune.jobs.plan;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * What would become of one task. What does not apply to it is null.
 *
 * @param task its name
 * @param type its type
 * @param done whether it is done already and would be skipped
 * @param data the data it prepares or reads
 * @param model the base model in words
 * @param trainedParameters trained parameters
 * @param steps optimizer steps
 * @param tokens tokens the whole training sees
 * @param memoryBytes bytes of memory it needs
 * @param memory the parts of it in words
 * @param seconds how long it would take
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record TaskPlan(
    @JsonProperty("task") String task,
    @JsonProperty("type") String type,
    @JsonProperty("done") boolean done,
    @JsonProperty("data") DataEstimate data,
    @JsonProperty("model") String model,
    @JsonProperty("trained_parameters") Long trainedParameters,
    @JsonProperty("steps") Long steps,
    @JsonProperty("tokens") Long tokens,
    @JsonProperty("memory_bytes") Long memoryBytes,
    @JsonProperty("memory") String memory,
    @JsonProperty("seconds") Double seconds) {}
