package org.sparktune.pipeline.sample;

import java.util.List;
import java.util.Map;

/** Typed access to a record's columns, by their standard names. */
final class Fields {
  private final Map<?, ?> record;
  private final Map<String, String> columns;

  /**
   * @param record the record or an object inside it
   * @param columns standard column name to the name in the record
   */
  Fields(Map<?, ?> record, Map<String, String> columns) {
    this.record = record;
    this.columns = columns;
  }

  private String name(String column) {
    return columns.getOrDefault(column, column);
  }

  Object get(String column) {
    return record.get(name(column));
  }

  Object required(String column) throws RejectException {
    Object value = get(column);
    if (value == null) {
      throw new RejectException(RejectReason.MISSING_FIELD, "there is no \"" + name(column) + "\"");
    }
    return value;
  }

  String text(String column) throws RejectException {
    return asText(column, required(column));
  }

  /** The text of a column that may be absent or null. */
  String textOr(String column, String fallback) throws RejectException {
    Object value = get(column);
    return value == null ? fallback : asText(column, value);
  }

  List<?> list(String column) throws RejectException {
    return asList(column, required(column));
  }

  List<?> listOrEmpty(String column) throws RejectException {
    Object value = get(column);
    return value == null ? List.of() : asList(column, value);
  }

  private String asText(String column, Object value) throws RejectException {
    if (value instanceof String text) {
      return text;
    }
    throw wrongType(name(column), "a string", value);
  }

  private List<?> asList(String column, Object value) throws RejectException {
    if (value instanceof List<?> list) {
      return list;
    }
    throw wrongType(name(column), "a list", value);
  }

  static RejectException wrongType(String what, String wanted, Object value) {
    String found;
    if (value == null) {
      found = "null";
    } else if (value instanceof Map<?, ?>) {
      found = "an object";
    } else if (value instanceof List<?>) {
      found = "a list";
    } else if (value instanceof String) {
      found = "a string";
    } else {
      found = value instanceof Boolean ? "a boolean" : "a number";
    }
    return new RejectException(
        RejectReason.WRONG_TYPE,
        "\"" + what + "\" is " + found + " where " + wanted + " is needed");
  }
}
