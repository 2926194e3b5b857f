package org.sparktune.jobs.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * An answer to a request.
 *
 * @param headers beside type and length
 */
record Reply(
    HttpResponseStatus status, String contentType, byte[] body, Map<String, String> headers) {
  private static final ObjectMapper JSON = new ObjectMapper();

  static Reply json(HttpResponseStatus status, Object value) {
    try {
      return new Reply(status, "application/json", JSON.writeValueAsBytes(value), Map.of());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("An answer must be representable as JSON", e);
    }
  }

  static Reply text(String contentType, String text) {
    return new Reply(
        HttpResponseStatus.OK, contentType, text.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  /** A failure in one sentence. */
  static Reply error(HttpResponseStatus status, String sentence) {
    return json(status, Map.of("error", sentence));
  }

  Reply with(String header, String value) {
    return new Reply(status, contentType, body, Map.of(header, value));
  }
}
