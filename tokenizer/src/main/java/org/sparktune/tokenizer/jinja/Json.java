package org.sparktune.tokenizer.jinja;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** {@code json.dumps}, which is what the {@code tojson} filter of chat templates is. */
final class Json {
  private final StringBuilder out = new StringBuilder();
  private final boolean asciiOnly;
  private final boolean sortKeys;
  private final String indent;
  private final String itemSeparator;
  private final String keySeparator;

  private Json(Arguments arguments) {
    asciiOnly = arguments.flag(0, "ensure_ascii", false);
    Object width = arguments.get(1, "indent", null);
    indent =
        width == null || width instanceof String ? (String) width : spaces(Values.integer(width));
    Object separators = arguments.get(2, "separators", null);
    if (separators instanceof List<?> pair && pair.size() == 2) {
      itemSeparator = Values.text(pair.get(0));
      keySeparator = Values.text(pair.get(1));
    } else {
      itemSeparator = indent == null ? ", " : ",";
      keySeparator = ": ";
    }
    sortKeys = arguments.flag(3, "sort_keys", false);
  }

  static String dumps(Object value, Arguments arguments) {
    Json json = new Json(arguments);
    json.write(value, 0);
    return json.out.toString();
  }

  private static String spaces(long width) {
    Budget.checkLength(width);
    return " ".repeat((int) Math.max(0, width));
  }

  private void write(Object value, int depth) {
    Budget.checkLength(out.length());
    if (depth > 200) {
      throw new TemplateException("tojson: the value is nested too deeply");
    }
    if (value == null) {
      out.append("null");
    } else if (value instanceof Boolean
        || value instanceof Long
        || value instanceof Integer
        || value instanceof BigInteger) {
      out.append(value);
    } else if (value instanceof Double number) {
      out.append(number(number));
    } else if (value instanceof String text) {
      string(text);
    } else if (value instanceof List<?> list) {
      list(list, depth);
    } else if (value instanceof Map<?, ?> map) {
      map(map, depth);
    } else {
      throw new TemplateException(
          "Object of type " + Values.typeName(value) + " is not JSON serializable");
    }
  }

  private static String number(double number) {
    if (Double.isNaN(number)) {
      return "NaN";
    }
    if (Double.isInfinite(number)) {
      return number > 0 ? "Infinity" : "-Infinity";
    }
    return PythonText.repr(number);
  }

  private void list(List<?> list, int depth) {
    if (list.isEmpty()) {
      out.append("[]");
      return;
    }
    out.append('[');
    for (int i = 0; i < list.size(); i++) {
      out.append(i > 0 ? itemSeparator : "");
      newLine(depth + 1);
      write(list.get(i), depth + 1);
    }
    newLine(depth);
    out.append(']');
  }

  private void map(Map<?, ?> map, int depth) {
    if (map.isEmpty()) {
      out.append("{}");
      return;
    }
    Map<?, ?> ordered = map;
    if (sortKeys) {
      TreeMap<Object, Object> sorted = new TreeMap<>(Values::compare);
      sorted.putAll(map);
      ordered = sorted;
    }
    out.append('{');
    boolean first = true;
    for (Map.Entry<?, ?> entry : ordered.entrySet()) {
      out.append(first ? "" : itemSeparator);
      first = false;
      newLine(depth + 1);
      Object key = entry.getKey();
      string(key instanceof String text ? text : dumps(key, Arguments.NONE));
      out.append(keySeparator);
      write(entry.getValue(), depth + 1);
    }
    newLine(depth);
    out.append('}');
  }

  private void newLine(int depth) {
    if (indent != null) {
      out.append('\n');
      for (int i = 0; i < depth; i++) {
        out.append(indent);
      }
    }
  }

  private void string(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\f' -> out.append("\\f");
        case '\b' -> out.append("\\b");
        default -> {
          if (c < ' ' || (asciiOnly && c > '~')) {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
