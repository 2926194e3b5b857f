package org.sparktune.tokenizer.jinja;

import java.util.List;
import java.util.Map;

/**
 * The arguments of a call, filter or test, evaluated.
 *
 * @param positional in order
 * @param named by name, in order
 */
record Arguments(List<Object> positional, Map<String, Object> named) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  /**
   * The argument at a position or, failing that, of a name; {@code fallback} if neither is given.
   */
  Object get(int position, String name, Object fallback) {
    if (position < positional.size()) {
      return positional.get(position);
    }
    return named.containsKey(name) ? named.get(name) : fallback;
  }

  Object required(int position, String name) {
    Object value = get(position, name, this);
    if (value == this) {
      throw new TemplateException("missing argument '" + name + "'");
    }
    return value;
  }

  String text(int position, String name, String fallback) {
    Object value = get(position, name, fallback);
    if (value == null || value instanceof String) {
      return (String) value;
    }
    throw new TemplateException(
        "argument '" + name + "' must be a string, not " + Values.typeName(value));
  }

  long integer(int position, String name, long fallback) {
    return Values.integer(get(position, name, fallback));
  }

  boolean flag(int position, String name, boolean fallback) {
    return Values.truth(get(position, name, fallback));
  }
}
