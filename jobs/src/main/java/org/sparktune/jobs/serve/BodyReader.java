package org.sparktune.jobs.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import org.sparktune.pipeline.sample.JsonValues;

/** Reads what a request asks for. */
final class BodyReader {
  private static final ObjectReader JSON = JsonValues.mapper().readerFor(Object.class);
  private static final String INPUTS = "inputs";

  private BodyReader() {}

  /** A body that nothing can be done with; the message is a sentence. */
  static final class BadBody extends Exception {
    private static final long serialVersionUID = 1L;

    BadBody(String sentence) {
      super(sentence, null, false, false);
    }
  }

  /** Reads a body: one record, or a list of them as {@code inputs}. */
  static ScoreRequest.Body read(byte[] body) throws BadBody {
    Object value = parse(body);
    if (!(value instanceof Map<?, ?> object)) {
      throw new BadBody("The body is no JSON object.");
    }
    if (!object.containsKey(INPUTS)) {
      return new ScoreRequest.Body(List.of(value), true);
    }
    if (object.size() > 1
        || !(object.get(INPUTS) instanceof List<?> inputs)
        || inputs.isEmpty()
        || inputs.contains(null)) {
      throw new BadBody("\"inputs\" stands alone and is a list of at least one record.");
    }
    return new ScoreRequest.Body(List.copyOf(inputs), false);
  }

  private static Object parse(byte[] body) throws BadBody {
    try {
      return JSON.readValue(body);
    } catch (JsonProcessingException e) {
      String place =
          e.getLocation() == null
              ? ""
              : " at line %d, column %d"
                  .formatted(e.getLocation().getLineNr(), e.getLocation().getColumnNr());
      throw new BadBody("The body is not JSON%s.".formatted(place));
    } catch (IOException e) {
      throw new UncheckedIOException(e); // bytes in memory
    }
  }
}
