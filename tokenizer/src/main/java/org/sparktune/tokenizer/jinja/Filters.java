package org.sparktune.tokenizer.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The filters behind {@code |}. */
final class Filters {
  private Filters() {}

  /** One filter. */
  @FunctionalInterface
  interface Filter {
    Object apply(Object value, Arguments arguments);
  }

  /** The filter of a name, or null. */
  static Filter get(String name) {
    return switch (name) {
      case "trim" -> Filters::trim;
      case "tojson" -> Json::dumps;
      case "length", "count" -> (value, arguments) -> Values.length(value);
      case "string" -> (value, arguments) -> Values.text(value);
      case "safe" -> (value, arguments) -> value;
      case "upper" -> (value, arguments) -> Values.text(value).toUpperCase(Locale.ROOT);
      case "lower" -> (value, arguments) -> Values.text(value).toLowerCase(Locale.ROOT);
      case "capitalize" -> (value, arguments) -> Methods.capitalize(Values.text(value));
      case "title" -> (value, arguments) -> PythonText.title(Values.text(value));
      case "replace" -> (value, arguments) -> Methods.replace(Values.text(value), arguments);
      case "default", "d" -> Filters::fallback;
      case "first" -> (value, arguments) -> end(Values.iterable(value), true);
      case "last" -> (value, arguments) -> end(Values.iterable(value), false);
      case "list" -> (value, arguments) -> new ArrayList<>(Values.iterable(value));
      case "items" ->
          (value, arguments) -> value instanceof Map<?, ?> map ? Methods.items(map) : items(value);
      case "dictsort" -> (value, arguments) -> dictSort(value);
      case "join" -> Filters::join;
      case "reverse" -> (value, arguments) -> reverse(value);
      case "sort" -> Filters::sort;
      case "unique" -> (value, arguments) -> unique(value);
      case "sum" -> Filters::sum;
      case "min" -> (value, arguments) -> Collections.min(Values.iterable(value), Values::compare);
      case "max" -> (value, arguments) -> Collections.max(Values.iterable(value), Values::compare);
      case "map" -> Filters::map;
      case "select" -> (value, arguments) -> select(value, arguments, false, true);
      case "reject" -> (value, arguments) -> select(value, arguments, false, false);
      case "selectattr" -> (value, arguments) -> select(value, arguments, true, true);
      case "rejectattr" -> (value, arguments) -> select(value, arguments, true, false);
      case "attr" -> (value, arguments) -> Values.attribute(value, arguments.text(0, "name", ""));
      case "int" -> Filters::toInteger;
      case "float" -> Filters::toFloat;
      case "abs" ->
          (value, arguments) -> Values.number(value) < 0 ? Arithmetic.negate(value) : value;
      case "round" -> Filters::round;
      case "indent" -> Filters::indent;
      case "escape", "e" -> (value, arguments) -> escape(Values.text(value));
      default -> null;
    };
  }

  private static Object trim(Object value, Arguments arguments) {
    String characters = arguments.text(0, "chars", null);
    String text = Values.text(value);
    return characters == null
        ? PythonText.strip(text)
        : PythonText.strip(text, characters, true, true);
  }

  private static Object fallback(Object value, Arguments arguments) {
    boolean absent =
        value instanceof Undefined || (arguments.flag(1, "boolean", false) && !Values.truth(value));
    return absent ? arguments.get(0, "default_value", "") : value;
  }

  private static Object end(List<Object> items, boolean first) {
    if (items.isEmpty()) {
      return new Undefined("No " + (first ? "first" : "last") + " item, sequence was empty.");
    }
    return items.get(first ? 0 : items.size() - 1);
  }

  private static Object items(Object value) {
    if (value instanceof Undefined) {
      return List.of();
    }
    throw new TemplateException("Can only get item pairs from a mapping.");
  }

  private static Object dictSort(Object value) {
    if (!(value instanceof Map<?, ?> map)) {
      throw new TemplateException("dictsort needs a mapping");
    }
    List<Object> pairs = Methods.items(map);
    pairs.sort(
        Comparator.comparing(pair -> ignoringCase(((List<?>) pair).get(0)), Values::compare));
    return pairs;
  }

  private static Object ignoringCase(Object value) {
    return value instanceof String text ? text.toLowerCase(Locale.ROOT) : value;
  }

  private static Object join(Object value, Arguments arguments) {
    String attribute = arguments.text(1, "attribute", null);
    List<Object> items = Values.iterable(value);
    List<Object> parts = items;
    if (attribute != null) {
      parts = new ArrayList<>(items.size());
      for (Object item : items) {
        parts.add(path(item, attribute));
      }
    }
    return Values.join(parts, Values.text(arguments.get(0, "d", "")));
  }

  private static Object reverse(Object value) {
    if (value instanceof String text) {
      return new StringBuilder(text).reverse().toString();
    }
    List<Object> items = new ArrayList<>(Values.iterable(value));
    Collections.reverse(items);
    return items;
  }

  private static Object sort(Object value, Arguments arguments) {
    boolean caseSensitive = arguments.flag(1, "case_sensitive", false);
    String attribute = arguments.text(2, "attribute", null);
    Comparator<Object> order =
        Comparator.comparing(
            item -> {
              Object key = attribute == null ? item : path(item, attribute);
              return caseSensitive ? key : ignoringCase(key);
            },
            Values::compare);
    List<Object> items = new ArrayList<>(Values.iterable(value));
    items.sort(arguments.flag(0, "reverse", false) ? order.reversed() : order);
    return items;
  }

  private static Object unique(Object value) {
    Map<Object, Object> seen = new LinkedHashMap<>();
    for (Object item : Values.iterable(value)) {
      seen.putIfAbsent(ignoringCase(item), item);
    }
    return new ArrayList<>(seen.values());
  }

  private static Object sum(Object value, Arguments arguments) {
    String attribute = arguments.text(0, "attribute", null);
    Object total = arguments.get(1, "start", 0L);
    for (Object item : Values.iterable(value)) {
      total = Arithmetic.apply("+", total, attribute == null ? item : path(item, attribute));
    }
    return total;
  }

  private static Object map(Object value, Arguments arguments) {
    List<Object> results = new ArrayList<>();
    if (arguments.named().containsKey("attribute")) {
      String attribute = Values.text(arguments.named().get("attribute"));
      for (Object item : Values.iterable(value)) {
        Object result = path(item, attribute);
        results.add(
            result instanceof Undefined
                ? arguments.named().getOrDefault("default", result)
                : result);
      }
      return results;
    }
    String name = arguments.text(0, "filter", "");
    Filter filter = get(name);
    if (filter == null) {
      throw new TemplateException("no filter named '" + name + "'");
    }
    for (Object item : Values.iterable(value)) {
      results.add(filter.apply(item, rest(arguments, 1)));
    }
    return results;
  }

  private static Object select(
      Object value, Arguments arguments, boolean byAttribute, boolean wanted) {
    int testAt = byAttribute ? 1 : 0;
    String name = arguments.text(testAt, "test", null);
    ValueTests.ValueTest test =
        name == null ? (item, none) -> Values.truth(item) : ValueTests.get(symbolic(name));
    if (test == null) {
      throw new TemplateException("no test named '" + name + "'");
    }
    List<Object> chosen = new ArrayList<>();
    for (Object item : Values.iterable(value)) {
      Object subject = byAttribute ? path(item, arguments.text(0, "attribute", "")) : item;
      if (test.holds(subject, rest(arguments, testAt + 1)) == wanted) {
        chosen.add(item);
      }
    }
    return chosen;
  }

  private static String symbolic(String test) {
    return switch (test) {
      case "==" -> "eq";
      case "!=" -> "ne";
      case "<" -> "lt";
      case "<=" -> "le";
      case ">" -> "gt";
      case ">=" -> "ge";
      default -> test;
    };
  }

  private static Arguments rest(Arguments arguments, int from) {
    List<Object> positional = arguments.positional();
    return new Arguments(
        positional.subList(Math.min(from, positional.size()), positional.size()), Map.of());
  }

  /** {@code a.b.0}: items first, as Jinja2's filters do. */
  private static Object path(Object value, String dotted) {
    Object current = value;
    for (String name : dotted.split("\\.", -1)) {
      boolean index = !name.isEmpty() && name.chars().allMatch(c -> c >= '0' && c <= '9');
      current = Values.item(current, index ? (Object) Long.valueOf(name) : name);
    }
    return current;
  }

  private static Object toInteger(Object value, Arguments arguments) {
    Object fallback = arguments.get(0, "default", 0L);
    if (value instanceof String text) {
      try {
        return (long) Double.parseDouble(PythonText.strip(text));
      } catch (NumberFormatException e) {
        return fallback;
      }
    }
    return value instanceof Double number
        ? (Object) number.longValue()
        : Values.isInteger(value) || value instanceof Boolean
            ? (Object) Values.integer(value)
            : fallback;
  }

  private static Object toFloat(Object value, Arguments arguments) {
    if (value instanceof String text) {
      try {
        return Double.parseDouble(PythonText.strip(text));
      } catch (NumberFormatException e) {
        return arguments.get(0, "default", 0.0);
      }
    }
    return Values.isNumber(value)
        ? (Object) Values.number(value)
        : arguments.get(0, "default", 0.0);
  }

  private static Object round(Object value, Arguments arguments) {
    double scale = Math.pow(10, (double) arguments.integer(0, "precision", 0));
    double scaled = Values.number(value) * scale;
    return switch (arguments.text(1, "method", "common")) {
      case "ceil" -> Math.ceil(scaled) / scale;
      case "floor" -> Math.floor(scaled) / scale;
      default -> Math.rint(scaled) / scale;
    };
  }

  private static Object indent(Object value, Arguments arguments) {
    Object width = arguments.get(0, "width", 4L);
    String indentation =
        width instanceof String text ? text : " ".repeat((int) Values.integer(width));
    boolean first = arguments.flag(1, "first", false);
    boolean blank = arguments.flag(2, "blank", false);
    String[] lines = Values.text(value).split("\n", -1);
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < lines.length; i++) {
      boolean indented = i == 0 ? first : blank || !lines[i].isEmpty();
      out.append(i > 0 ? "\n" : "").append(indented ? indentation : "").append(lines[i]);
    }
    return out.toString();
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("'", "&#39;")
        .replace("\"", "&#34;");
  }
}
