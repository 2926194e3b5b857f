package org.sparktune.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The methods of strings, lists and dicts that change nothing. */
final class Methods {
  private Methods() {}

  /** A dict's method, or null. */
  static Callable ofMap(Map<?, ?> map, String name) {
    return switch (name) {
      case "items" -> arguments -> items(map);
      case "keys" -> arguments -> new ArrayList<Object>(map.keySet());
      case "values" -> arguments -> new ArrayList<Object>(map.values());
      case "get" ->
          arguments -> {
            Object key = arguments.required(0, "key");
            return map.containsKey(key) ? map.get(key) : arguments.get(1, "default", null);
          };
      case "copy" -> arguments -> map;
      default -> null;
    };
  }

  static List<Object> items(Map<?, ?> map) {
    List<Object> pairs = new ArrayList<>(map.size());
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      List<Object> pair = new ArrayList<>(2);
      pair.add(entry.getKey());
      pair.add(entry.getValue());
      pairs.add(pair);
    }
    return pairs;
  }

  /** A list's method, or null. */
  static Callable ofList(List<?> list, String name) {
    return switch (name) {
      case "index" ->
          arguments -> {
            Object wanted = arguments.required(0, "value");
            for (int i = 0; i < list.size(); i++) {
              if (Values.equal(list.get(i), wanted)) {
                return (long) i;
              }
            }
            throw new TemplateException(Values.repr(wanted) + " is not in list");
          };
      case "count" ->
          arguments -> {
            Object wanted = arguments.required(0, "value");
            long count = 0;
            for (Object item : list) {
              count += Values.equal(item, wanted) ? 1 : 0;
            }
            return count;
          };
      case "copy" -> arguments -> list;
      case "append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse" ->
          arguments -> {
            throw new TemplateException(
                "access to attribute '"
                    + name
                    + "' of 'list' object is unsafe: templates may not change lists");
          };
      default -> null;
    };
  }

  /** A string's method, or null. */
  static Callable ofText(String text, String name) {
    return switch (name) {
      case "strip" -> arguments -> strip(text, arguments, true, true);
      case "lstrip" -> arguments -> strip(text, arguments, true, false);
      case "rstrip" -> arguments -> strip(text, arguments, false, true);
      case "split" -> arguments -> split(text, arguments, false);
      case "rsplit" -> arguments -> split(text, arguments, true);
      case "splitlines" -> arguments -> text.isEmpty() ? List.of() : lines(text);
      case "partition" ->
          arguments -> partition(text, arguments, text.indexOf(separator(arguments)));
      case "rpartition" ->
          arguments -> partition(text, arguments, text.lastIndexOf(separator(arguments)));
      case "startswith" -> arguments -> affix(text, arguments, true);
      case "endswith" -> arguments -> affix(text, arguments, false);
      case "replace" -> arguments -> replace(text, arguments);
      case "removeprefix" ->
          arguments -> {
            String prefix = arguments.text(0, "prefix", "");
            return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
          };
      case "removesuffix" ->
          arguments -> {
            String suffix = arguments.text(0, "suffix", "");
            return text.endsWith(suffix)
                ? text.substring(0, text.length() - suffix.length())
                : text;
          };
      case "upper" -> arguments -> text.toUpperCase(Locale.ROOT);
      case "lower", "casefold" -> arguments -> text.toLowerCase(Locale.ROOT);
      case "title" -> arguments -> PythonText.title(text);
      case "capitalize" -> arguments -> capitalize(text);
      case "find" -> arguments -> codePoints(text, text.indexOf(arguments.text(0, "sub", "")));
      case "rfind" -> arguments -> codePoints(text, text.lastIndexOf(arguments.text(0, "sub", "")));
      case "count" -> arguments -> count(text, arguments.text(0, "sub", ""));
      case "join" ->
          arguments -> Values.join(Values.iterable(arguments.required(0, "iterable")), text);
      case "isdigit" ->
          arguments -> !text.isEmpty() && text.codePoints().allMatch(Character::isDigit);
      case "isalpha" ->
          arguments -> !text.isEmpty() && text.codePoints().allMatch(Character::isLetter);
      case "isspace" -> arguments -> !text.isEmpty() && PythonText.isSpace(text, 0);
      default -> null;
    };
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.offsetByCodePoints(0, 1);
    return text.substring(0, first).toUpperCase(Locale.ROOT)
        + text.substring(first).toLowerCase(Locale.ROOT);
  }

  private static String strip(String text, Arguments arguments, boolean atStart, boolean atEnd) {
    String characters = arguments.text(0, "chars", null);
    if (characters != null) {
      return PythonText.strip(text, characters, atStart, atEnd);
    }
    String stripped = atStart ? PythonText.stripStart(text) : text;
    return atEnd ? PythonText.stripEnd(stripped) : stripped;
  }

  private static Object split(String text, Arguments arguments, boolean fromEnd) {
    String separator = arguments.text(0, "sep", null);
    long limit = arguments.integer(1, "maxsplit", -1);
    if (separator == null) {
      return PythonText.splitAtSpace(text, limit);
    }
    return fromEnd
        ? PythonText.splitFromEnd(text, separator, limit)
        : PythonText.split(text, separator, limit);
  }

  private static List<Object> lines(String text) {
    List<Object> lines = new ArrayList<>(List.of((Object[]) text.split("\r\n|\r|\n", -1)));
    if (lines.get(lines.size() - 1).equals("")) {
      lines.remove(lines.size() - 1);
    }
    return lines;
  }

  private static String separator(Arguments arguments) {
    return arguments.text(0, "sep", null);
  }

  private static List<Object> partition(String text, Arguments arguments, int at) {
    String separator = separator(arguments);
    if (at < 0) {
      return List.of(text, "", "");
    }
    return List.of(text.substring(0, at), separator, text.substring(at + separator.length()));
  }

  private static boolean affix(String text, Arguments arguments, boolean atStart) {
    Object wanted = arguments.required(0, "prefix");
    List<?> candidates = wanted instanceof List<?> list ? list : List.of(Values.text(wanted));
    for (Object candidate : candidates) {
      String affix = Values.text(candidate);
      if (atStart ? text.startsWith(affix) : text.endsWith(affix)) {
        return true;
      }
    }
    return false;
  }

  static String replace(String text, Arguments arguments) {
    String from = Values.text(arguments.required(0, "old"));
    String to = Values.text(arguments.required(1, "new"));
    long limit = arguments.integer(2, "count", -1);
    if (limit < 0) {
      Budget.checkLength(
          text.length() + count(text, from) * Math.max(0L, (long) to.length() - from.length()));
      return text.replace(from, to);
    }
    if (from.isEmpty()) {
      throw new TemplateException("replace with an empty text and a count is not supported");
    }
    return Values.join(PythonText.split(text, from, limit), to);
  }

  private static long count(String text, String part) {
    if (part.isEmpty()) {
      return PythonText.length(text) + 1L;
    }
    long count = 0;
    for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
      count++;
    }
    return count;
  }

  private static long codePoints(String text, int index) {
    return index < 0 ? -1 : text.codePointCount(0, index);
  }
}
