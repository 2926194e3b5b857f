package org.sparktune.pipeline.sample;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;

/** JSON as plain values: Map, List, String, Long, Double, Boolean, null. */
public final class JsonValues {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .enable(DeserializationFeature.USE_LONG_FOR_INTS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static final ObjectReader READER = MAPPER.readerFor(Object.class);

  private JsonValues() {}

  /** Parses one JSON value; anything behind it is an error. */
  public static Object parse(String text) throws JsonProcessingException {
    return READER.readValue(text);
  }

  /** A value as JSON. */
  public static String write(Object value) throws JsonProcessingException {
    return MAPPER.writeValueAsString(value);
  }

  /** The mapper, for streaming. */
  public static ObjectMapper mapper() {
    return MAPPER;
  }
}
