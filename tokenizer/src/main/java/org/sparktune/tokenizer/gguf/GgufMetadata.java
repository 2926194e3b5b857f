package org.sparktune.tokenizer.gguf;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * The metadata of a GGUF file. Every getter without a default throws a {@code BAD_FILE} {@link
 * SparktuneException} when the key is absent, and each does when the value is of another kind.
 */
public final class GgufMetadata {
  private final Path file;
  private final Map<String, GgufValue> values;

  GgufMetadata(Path file, Map<String, GgufValue> values) {
    this.file = file;
    this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }

  /** All values in the file's order. */
  public Map<String, GgufValue> values() {
    return values;
  }

  /** Whether there is such a key. */
  public boolean has(String key) {
    return values.containsKey(key);
  }

  /** A string. */
  public String text(String key) {
    return required(key, this::optionalText);
  }

  /** A string, if there is one. */
  public Optional<String> optionalText(String key) {
    return value(key).map(value -> asText(key, value));
  }

  /** A whole number that fits an int. */
  public int integer(String key) {
    return required(key, this::optionalInteger);
  }

  /** A whole number that fits an int, or a default. */
  public int integer(String key, int defaultValue) {
    return optionalInteger(key).orElse(defaultValue);
  }

  /** A whole number that fits an int, if there is one. */
  public Optional<Integer> optionalInteger(String key) {
    return value(key).map(value -> asInteger(key, value));
  }

  /** A number. */
  public double number(String key) {
    return required(key, this::optionalNumber);
  }

  /** A number, or a default. */
  public double number(String key, double defaultValue) {
    return optionalNumber(key).orElse(defaultValue);
  }

  /** A number, if there is one. */
  public Optional<Double> optionalNumber(String key) {
    return value(key).map(value -> asNumber(key, value));
  }

  /** A flag, or a default. */
  public boolean flag(String key, boolean defaultValue) {
    return optionalFlag(key).orElse(defaultValue);
  }

  /** A flag, if there is one. */
  public Optional<Boolean> optionalFlag(String key) {
    return value(key)
        .map(
            value -> {
              if (value instanceof GgufValue.Flag flag) {
                return flag.value();
              }
              throw otherKind(key, value, "true or false");
            });
  }

  /** An array of strings. */
  public List<String> texts(String key) {
    List<String> texts = new ArrayList<>();
    for (GgufValue element : elements(key)) {
      texts.add(asText(key, element));
    }
    return texts;
  }

  /** An array of whole numbers that fit an int. */
  public int[] integers(String key) {
    List<GgufValue> elements = elements(key);
    int[] integers = new int[elements.size()];
    for (int i = 0; i < integers.length; i++) {
      integers[i] = asInteger(key, elements.get(i));
    }
    return integers;
  }

  /** An array of numbers. */
  public float[] numbers(String key) {
    List<GgufValue> elements = elements(key);
    float[] numbers = new float[elements.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) asNumber(key, elements.get(i));
    }
    return numbers;
  }

  private Optional<GgufValue> value(String key) {
    return Optional.ofNullable(values.get(key));
  }

  private <T> T required(String key, Function<String, Optional<T>> getter) {
    return getter.apply(key).orElseThrow(() -> absent(key));
  }

  private List<GgufValue> elements(String key) {
    GgufValue value = value(key).orElseThrow(() -> absent(key));
    if (value instanceof GgufValue.Sequence sequence) {
      return sequence.elements();
    }
    throw otherKind(key, value, "an array");
  }

  private String asText(String key, GgufValue value) {
    if (value instanceof GgufValue.Text text) {
      return text.value();
    }
    throw otherKind(key, value, "a string");
  }

  private int asInteger(String key, GgufValue value) {
    if (value instanceof GgufValue.Whole whole && whole.value() == (int) whole.value()) {
      return (int) whole.value();
    }
    throw otherKind(key, value, "a whole number of 32 bits");
  }

  private double asNumber(String key, GgufValue value) {
    if (value instanceof GgufValue.Real real) {
      return real.value();
    }
    if (value instanceof GgufValue.Whole whole) {
      return whole.value();
    }
    throw otherKind(key, value, "a number");
  }

  private SparktuneException absent(String key) {
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        "%s has no metadata key %s.".formatted(file, key),
        "The file may be of another kind than it was taken for, or written by an old converter.");
  }

  private SparktuneException otherKind(String key, GgufValue value, String expected) {
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        "The metadata key %s of %s is %s, not %s."
            .formatted(key, file, value.described(), expected),
        "Convert or download the file again.");
  }
}
