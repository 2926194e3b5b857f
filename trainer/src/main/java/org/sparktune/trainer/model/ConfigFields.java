package org.sparktune.trainer.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** Typed access to the keys of one JSON object, with messages that name file and key. */
record ConfigFields(String file, String prefix, JsonNode node) {

  boolean has(String key) {
    return node.hasNonNull(key);
  }

  ConfigFields object(String key) {
    if (!needed(key).isObject()) {
      throw wrong(key, "an object");
    }
    return new ConfigFields(file, prefix + key + ".", node.get(key));
  }

  int integer(String key) {
    JsonNode value = needed(key);
    if (!value.canConvertToInt() || !value.isIntegralNumber()) {
      throw wrong(key, "an integer");
    }
    return value.intValue();
  }

  int integer(String key, int otherwise) {
    return has(key) ? integer(key) : otherwise;
  }

  double number(String key) {
    JsonNode value = needed(key);
    if (!value.isNumber()) {
      throw wrong(key, "a number");
    }
    return value.doubleValue();
  }

  double number(String key, double otherwise) {
    return has(key) ? number(key) : otherwise;
  }

  boolean flag(String key, boolean otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    if (!node.get(key).isBoolean()) {
      throw wrong(key, "true or false");
    }
    return node.get(key).booleanValue();
  }

  String text(String key) {
    JsonNode value = needed(key);
    if (!value.isTextual()) {
      throw wrong(key, "a string");
    }
    return value.textValue();
  }

  String text(String key, String otherwise) {
    return has(key) ? text(key) : otherwise;
  }

  List<Double> numbers(String key, int count) {
    JsonNode value = needed(key);
    List<Double> numbers = new ArrayList<>();
    value.forEach(element -> numbers.add(element.asDouble(Double.NaN)));
    if (!value.isArray() || numbers.size() != count || numbers.contains(Double.NaN)) {
      throw wrong(key, "a list of %d numbers".formatted(count));
    }
    return numbers;
  }

  List<String> texts(String key) {
    List<String> texts = new ArrayList<>();
    needed(key).forEach(element -> texts.add(element.asText()));
    return texts;
  }

  SparktuneException unsupported(String key, String value, String supported) {
    return new SparktuneException(
        ErrorCode.UNSUPPORTED,
        "%s sets \"%s%s\" to \"%s\", which is not supported.".formatted(file, prefix, key, value),
        "Supported: " + supported + ".");
  }

  private JsonNode needed(String key) {
    if (!has(key)) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s lacks the key \"%s%s\".".formatted(file, prefix, key),
          "Take the file as it was published with the model.");
    }
    return node.get(key);
  }

  private SparktuneException wrong(String key, String expected) {
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        "%s sets \"%s%s\" to %s where %s is needed."
            .formatted(file, prefix, key, node.get(key), expected),
        "Take the file as it was published with the model.");
  }
}
