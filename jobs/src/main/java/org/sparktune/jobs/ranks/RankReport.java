package org.sparktune.jobs.ranks;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;

/**
 * What a rank tells the driver every now and then, whether or not something happened.
 *
 * @param runId of which run
 * @param attempt of which attempt
 * @param rank from 0
 * @param host the name of its host
 * @param stage how far it is
 * @param events what happened since the report before, in order
 */
record RankReport(
    @JsonProperty("run") String runId,
    @JsonProperty("attempt") int attempt,
    @JsonProperty("rank") int rank,
    @JsonProperty("host") String host,
    @JsonProperty("stage") Stage stage,
    @JsonProperty("events") List<ProgressEvent> events) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** How far a rank is. */
  enum Stage {
    /** It works. */
    RUNNING,
    /** It has done its part. */
    ENDED,
    /** It failed. */
    FAILED
  }

  static RankReport parse(String text) {
    try {
      return JSON.readValue(text, RankReport.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A rank did not send a report: " + text, e);
    }
  }

  String write() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Texts and numbers are always JSON", e);
    }
  }
}
