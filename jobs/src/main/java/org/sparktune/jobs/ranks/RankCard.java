package org.sparktune.jobs.ranks;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.SortedMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * What a rank says of itself to the others.
 *
 * @param rank from 0
 * @param host the name of its host
 * @param process its process id
 * @param shared what must be the same for all ranks, by name
 * @param own what is its own, such as where it can be reached, by name
 * @param failure why it cannot take part; null if it can
 */
record RankCard(
    @JsonProperty("rank") int rank,
    @JsonProperty("host") String host,
    @JsonProperty("process") long process,
    @JsonProperty("shared") SortedMap<String, String> shared,
    @JsonProperty("own") SortedMap<String, String> own,
    @JsonProperty("failure") Failure failure) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A failure that a user has to deal with. */
  record Failure(
      @JsonProperty("code") ErrorCode code,
      @JsonProperty("message") String message,
      @JsonProperty("hint") String hint) {

    static Failure of(SparktuneException thrown) {
      return new Failure(thrown.code(), thrown.getMessage(), thrown.hint());
    }
  }

  static RankCard parse(String text) {
    try {
      return JSON.readValue(text, RankCard.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A rank did not send a card: " + text, e);
    }
  }

  String write() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Texts and numbers are always JSON", e);
    }
  }

  /** The rank and its host, for messages. */
  String where() {
    return "rank %d on %s".formatted(rank, host);
  }
}
