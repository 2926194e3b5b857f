package org.sparktune.trainer.rollout;

import java.util.List;
import java.util.Map;

/** The options of a built-in reward function; every problem is a sentence of its own. */
final class RewardOptions {
  private final Map<String, String> options;

  RewardOptions(Map<String, String> options, String... known) {
    this.options = options;
    for (String name : options.keySet()) {
      if (!List.of(known).contains(name)) {
        throw new IllegalArgumentException(
            "it has no option '%s', only %s".formatted(name, String.join(", ", known)));
      }
    }
  }

  String text(String name) {
    return options.getOrDefault(name, "");
  }

  /** One of some words; the first where none is written. */
  String word(String name, String... words) {
    String word = options.getOrDefault(name, words[0]);
    if (!List.of(words).contains(word)) {
      throw new IllegalArgumentException(
          "its option '%s' is '%s', not %s".formatted(name, word, String.join(" or ", words)));
    }
    return word;
  }

  double number(String name, double fallback) {
    String text = text(name);
    if (text.isEmpty()) {
      return fallback;
    }
    try {
      double value = Double.parseDouble(text);
      if (Double.isFinite(value)) {
        return value;
      }
    } catch (NumberFormatException e) {
      throw noNumber(name, text, e);
    }
    throw noNumber(name, text, null);
  }

  int positive(String name) {
    double value = number(name, 0);
    if (value < 1 || value > Integer.MAX_VALUE || value != Math.rint(value)) {
      throw new IllegalArgumentException(
          "it needs '%s', a whole number of at least 1".formatted(name));
    }
    return (int) value;
  }

  private static IllegalArgumentException noNumber(String name, String text, Exception cause) {
    return new IllegalArgumentException(
        "its option '%s' is '%s', which is no finite number".formatted(name, text), cause);
  }
}
