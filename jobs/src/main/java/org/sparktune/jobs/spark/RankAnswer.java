package org.sparktune.jobs.spark;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * What a rank answers at its end, as a small JSON text that does not depend on Spark's serializer.
 * A failure that a user can deal with is an answer too: Spark does not tell the driver of a task
 * that fails while the process is being stopped, and the driver would wait.
 *
 * @param rank from 0
 * @param result what the training reports; null after a failure
 * @param code the kind of failure; null without one
 * @param message what went wrong
 * @param hint what to do about it
 */
record RankAnswer(
    @JsonProperty("rank") int rank,
    @JsonProperty("result") Map<String, Object> result,
    @JsonProperty("code") ErrorCode code,
    @JsonProperty("message") String message,
    @JsonProperty("hint") String hint) {
  private static final ObjectMapper JSON = new ObjectMapper();

  static RankAnswer of(int rank, Map<String, Object> result) {
    return new RankAnswer(rank, result, null, null, null);
  }

  static RankAnswer of(int rank, SparktuneException thrown) {
    return new RankAnswer(rank, null, thrown.code(), thrown.getMessage(), thrown.hint());
  }

  static RankAnswer parse(String text) {
    try {
      return JSON.readValue(text, RankAnswer.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("An executor returned no JSON: " + text, e);
    }
  }

  String write() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A task's result must be representable as JSON", e);
    }
  }

  /** The failure; null without one. */
  SparktuneException failure() {
    return code == null ? null : new SparktuneException(code, message, hint);
  }
}
