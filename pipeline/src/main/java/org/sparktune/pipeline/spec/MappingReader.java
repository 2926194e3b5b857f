package org.sparktune.pipeline.spec;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.sparktune.pipeline.spec.SpecNode.Entry;
import org.sparktune.pipeline.spec.SpecNode.Mapping;
import org.sparktune.pipeline.spec.SpecNode.Scalar;
import org.sparktune.pipeline.spec.SpecNode.Sequence;

/**
 * Reads the typed values of one mapping. Every getter remembers its key, so {@link #finish} knows
 * which keys were not asked for. A wrong value adds a problem and yields the default, so that
 * reading goes on to the next problem.
 */
final class MappingReader {
  private static final Pattern INTEGER = Pattern.compile("[-+]?[0-9][0-9_]*");
  private static final Pattern DECIMAL =
      Pattern.compile("[-+]?([0-9][0-9_]*(\\.[0-9_]*)?|\\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?");

  private final Mapping mapping;
  private final String what;
  private final SpecContext context;
  private final Set<String> known = new LinkedHashSet<>();

  /**
   * @param what names the mapping in messages: "task 'data'", "hyperparams"
   */
  MappingReader(Mapping mapping, String what, SpecContext context) {
    this.mapping = mapping;
    this.what = what;
    this.context = context;
  }

  /** Whether the key has a value other than null. */
  boolean has(String key) {
    known.add(key);
    SpecNode node = mapping.get(key);
    return node != null && !(node instanceof Scalar scalar && scalar.isNull());
  }

  /** Where the value of a key stands, or the mapping when the key is absent. */
  Location location(String key) {
    SpecNode node = mapping.get(key);
    return node == null ? mapping.location() : node.location();
  }

  /** The node of a key, or null when it is absent or null. */
  SpecNode node(String key) {
    return has(key) ? mapping.get(key) : null;
  }

  /** A text; null when absent and {@code fallback} is null. */
  String text(String key, String fallback) {
    Scalar scalar = scalar(key, "text");
    return scalar == null ? fallback : scalar.text();
  }

  /** A text that must be there; adds a problem and yields "" otherwise. */
  String requiredText(String key) {
    if (require(key)) {
      return text(key, "");
    }
    return "";
  }

  /** Adds a problem unless the key has a value. */
  boolean require(String key) {
    if (has(key)) {
      return true;
    }
    context
        .problems()
        .add(mapping.location(), "%s has no '%s'.".formatted(capitalized(what), key), "Add it.");
    return false;
  }

  /** A whole number within bounds. */
  long integer(String key, long fallback, long min, long max) {
    Scalar scalar = scalar(key, "a whole number");
    if (scalar == null) {
      return fallback;
    }
    Long value = parseInteger(scalar);
    if (value == null) {
      wrongType(key, "a whole number", scalar);
      return fallback;
    }
    if (value < min || value > max) {
      outOfRange(key, scalar, max == Long.MAX_VALUE ? "at least " + min : min + " to " + max);
      return fallback;
    }
    return value;
  }

  /** A number within bounds. */
  double decimal(String key, double fallback, Range range) {
    Scalar scalar = scalar(key, "a number");
    if (scalar == null) {
      return fallback;
    }
    Double value = parseDecimal(scalar);
    if (value == null) {
      wrongType(key, "a number", scalar);
      return fallback;
    }
    if (!range.contains(value)) {
      outOfRange(key, scalar, range.words());
      return fallback;
    }
    return value;
  }

  /** A list of numbers within bounds. */
  double[] decimals(String key, double[] fallback, Range range) {
    List<SpecNode> items = items(key);
    double[] values = items.isEmpty() ? fallback : new double[items.size()];
    for (int i = 0; i < items.size(); i++) {
      Double value = items.get(i) instanceof Scalar scalar ? parseDecimal(scalar) : null;
      if (value == null) {
        wrongType(key, "a list of numbers", items.get(i));
        return fallback;
      }
      if (!range.contains(value)) {
        outOfRange(key, (Scalar) items.get(i), range.words());
        return fallback;
      }
      values[i] = value;
    }
    return values;
  }

  /** {@code true} or {@code false}. */
  boolean flag(String key, boolean fallback) {
    Scalar scalar = scalar(key, "true or false");
    if (scalar == null) {
      return fallback;
    }
    String word = scalar.text().toLowerCase(Locale.ROOT);
    if (word.equals("true") || word.equals("yes") || word.equals("on")) {
      return true;
    }
    if (!word.equals("false") && !word.equals("no") && !word.equals("off")) {
      wrongType(key, "true or false", scalar);
      return fallback;
    }
    return false;
  }

  /** One of an enum's words: the constants' names in lower case. */
  <E extends Enum<E>> E word(String key, E fallback) {
    E[] constants = fallback.getDeclaringClass().getEnumConstants();
    List<String> words = Stream.of(constants).map(MappingReader::wordOf).toList();
    Scalar scalar = scalar(key, "one of " + String.join(", ", words));
    if (scalar == null) {
      return fallback;
    }
    int index = words.indexOf(scalar.text());
    if (index < 0) {
      unknownWord(key, scalar, words);
      return fallback;
    }
    return constants[index];
  }

  /** A list of an enum's words, each at most once; a single word is a list of one. */
  <E extends Enum<E>> List<E> words(String key, Class<E> type) {
    E[] constants = type.getEnumConstants();
    List<String> words = Stream.of(constants).map(MappingReader::wordOf).toList();
    List<E> found = new ArrayList<>();
    for (SpecNode item : items(key)) {
      if (!(item instanceof Scalar scalar) || scalar.isNull()) {
        wrongType(key, "a list of " + String.join(", ", words), item);
      } else if (!words.contains(scalar.text())) {
        unknownWord(key, scalar, words);
      } else if (!found.contains(constants[words.indexOf(scalar.text())])) {
        found.add(constants[words.indexOf(scalar.text())]);
      }
    }
    return List.copyOf(found);
  }

  private void unknownWord(String key, Scalar scalar, List<String> words) {
    context
        .problems()
        .add(
            scalar.location(),
            "'%s' is not a valid '%s'; it is one of %s."
                .formatted(scalar.text(), key, String.join(", ", words)),
            NearestWord.find(scalar.text(), words)
                .map(word -> "Did you mean '" + word + "'?")
                .orElse(""));
  }

  /** A list of texts; a single text is a list of one. */
  List<String> texts(String key) {
    List<String> texts = new ArrayList<>();
    for (SpecNode item : items(key)) {
      if (item instanceof Scalar scalar && !scalar.isNull()) {
        texts.add(scalar.text());
      } else {
        wrongType(key, "a list of texts", item);
      }
    }
    return List.copyOf(texts);
  }

  /** The items of a list; a single value is a list of one, an absent key an empty list. */
  List<SpecNode> items(String key) {
    SpecNode node = node(key);
    if (node == null) {
      return List.of();
    }
    return node instanceof Sequence sequence ? sequence.items() : List.of(node);
  }

  /** A mapping from words to whole numbers, sorted by word. */
  Map<String, Integer> integers(String key) {
    return numbers(
        key,
        "a whole number of at least 1",
        scalar -> {
          Long value = parseInteger(scalar);
          return value == null || value < 1 || value > Integer.MAX_VALUE
              ? null
              : Integer.valueOf(value.intValue());
        });
  }

  /** A mapping from words to positive numbers, sorted by word. */
  Map<String, Double> decimals(String key) {
    return numbers(
        key,
        "a number above 0",
        scalar -> {
          Double value = parseDecimal(scalar);
          return value == null || value <= 0 ? null : value;
        });
  }

  /** A mapping from words to texts, sorted by word. */
  Map<String, String> textsByWord(String key) {
    return numbers(key, "text", scalar -> scalar.isNull() ? null : scalar.text());
  }

  private <T> Map<String, T> numbers(String key, String kind, Function<Scalar, T> parse) {
    SpecNode node = node(key);
    Map<String, T> values = new TreeMap<>();
    if (node == null) {
      return values;
    }
    if (!(node instanceof Mapping pairs)) {
      wrongType(key, "a mapping", node);
      return values;
    }
    for (Map.Entry<String, Entry> entry : pairs.entries().entrySet()) {
      SpecNode value = entry.getValue().value();
      T parsed = value instanceof Scalar scalar ? parse.apply(scalar) : null;
      if (parsed == null) {
        wrongType(key + "." + entry.getKey(), kind, value);
      } else {
        values.put(entry.getKey(), parsed);
      }
    }
    return values;
  }

  /** A nested mapping; null when absent or when it is something else (a problem says so). */
  MappingReader mapping(String key) {
    SpecNode node = node(key);
    if (node == null) {
      return null;
    }
    if (node instanceof Mapping nested) {
      return new MappingReader(nested, key, context);
    }
    wrongType(key, "a mapping", node);
    return null;
  }

  /** A nested mapping; an empty one when absent. */
  MappingReader mappingOrEmpty(String key) {
    MappingReader nested = mapping(key);
    return nested == null ? emptyMapping(key) : nested;
  }

  /** A nested mapping without a value, for the defaults of its options. */
  MappingReader emptyMapping(String key) {
    return new MappingReader(Mapping.empty(mapping.location()), key, context);
  }

  /** An input path, resolved; null when absent. Adds a problem when nothing is there. */
  String inputPath(String key) {
    Scalar scalar = scalar(key, "a path");
    return scalar == null ? null : inputPath(scalar, key);
  }

  /** Resolves a node that is a path. */
  String inputPath(Scalar scalar, String key) {
    String resolved = context.resolveInput(scalar.text(), scalar.location());
    if (context.checkFiles() && !context.exists(resolved)) {
      context
          .problems()
          .add(
              scalar.location(),
              "The '%s' '%s' does not exist (looked for %s)."
                  .formatted(key, scalar.written(), resolved),
              "Paths are relative to the folder of the specification.");
    }
    scalar.resolve(resolved);
    return resolved;
  }

  /** Reports a problem at a key. */
  void problem(String key, String message, String hint) {
    context.problems().add(location(key), message, hint);
  }

  /** Reports every key that no getter asked for. */
  void finish() {
    for (Map.Entry<String, Entry> entry : mapping.entries().entrySet()) {
      if (!known.contains(entry.getKey())) {
        context
            .problems()
            .add(
                entry.getValue().keyLocation(),
                "%s has no option '%s'.".formatted(capitalized(what), entry.getKey()),
                NearestWord.hint(entry.getKey(), known));
      }
    }
  }

  void wrongType(String key, String expected, SpecNode found) {
    context
        .problems()
        .add(
            found.location(),
            "'%s' must be %s, but it is %s.".formatted(key, expected, found.kind()),
            "");
  }

  private void outOfRange(String key, Scalar scalar, String range) {
    context
        .problems()
        .add(
            scalar.location(),
            "'%s' is %s; it must be %s.".formatted(key, scalar.text(), range),
            "");
  }

  private Scalar scalar(String key, String expected) {
    SpecNode node = node(key);
    if (node == null || node instanceof Scalar) {
      return (Scalar) node;
    }
    wrongType(key, expected, node);
    return null;
  }

  private static Long parseInteger(Scalar scalar) {
    if (scalar.quoted() || !INTEGER.matcher(scalar.text()).matches()) {
      return null;
    }
    try {
      return Long.valueOf(scalar.text().replace("_", ""));
    } catch (NumberFormatException tooLong) {
      return null;
    }
  }

  /** YAML 1.1 takes {@code 1e-4} for text because it has no point; every user means a number. */
  private static Double parseDecimal(Scalar scalar) {
    if (scalar.quoted() || !DECIMAL.matcher(scalar.text()).matches()) {
      return null;
    }
    return Double.valueOf(scalar.text().replace("_", ""));
  }

  private static String wordOf(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static String capitalized(String text) {
    return Character.toUpperCase(text.charAt(0)) + text.substring(1);
  }
}
