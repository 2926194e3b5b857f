package org.sparktune.tokenizer.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions that every template can call. */
final class Globals {
  /** The longest {@code range}, as in Jinja2's sandbox. */
  private static final int MAX_RANGE = 100_000;

  private static final Map<String, Callable> ALL =
      Map.of(
          "raise_exception", Globals::raise,
          "namespace", arguments -> new Namespace(dict(arguments)),
          "dict", Globals::dict,
          "range", Globals::range);

  private Globals() {}

  /** The function of a name, or null. */
  static Callable get(String name) {
    return ALL.get(name);
  }

  private static Object raise(Arguments arguments) {
    throw new TemplateException(Values.text(arguments.required(0, "message")));
  }

  private static Map<String, Object> dict(Arguments arguments) {
    Map<String, Object> result = new LinkedHashMap<>();
    for (Object base : arguments.positional()) {
      if (!(base instanceof Map<?, ?> map)) {
        throw new TemplateException("dict() and namespace() take a mapping");
      }
      map.forEach((key, value) -> result.put(Values.text(key), value));
    }
    result.putAll(arguments.named());
    return result;
  }

  private static List<Object> range(Arguments arguments) {
    boolean oneBound = arguments.positional().size() < 2;
    long start = oneBound ? 0 : arguments.integer(0, "start", 0);
    long stop = arguments.integer(oneBound ? 0 : 1, "stop", 0);
    long step = arguments.integer(2, "step", 1);
    if (step == 0) {
      throw new TemplateException("range() arg 3 must not be zero");
    }
    List<Object> numbers = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      if (numbers.size() == MAX_RANGE) {
        throw new TemplateException("range() is limited to " + MAX_RANGE + " numbers");
      }
      numbers.add(i);
    }
    return numbers;
  }
}
