package org.sparktune.tokenizer.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Python's semantics over Java values: {@code None} is null, {@code bool} Boolean, {@code int} Long
 * (or BigInteger, from data), {@code float} Double, {@code str} String, {@code list} and {@code
 * tuple} List, {@code dict} Map.
 */
final class Values {
  private Values() {}

  static String typeName(Object value) {
    if (value == null) {
      return "NoneType";
    } else if (value instanceof Boolean) {
      return "bool";
    } else if (value instanceof Double) {
      return "float";
    } else if (value instanceof Number) {
      return "int";
    } else if (value instanceof String) {
      return "str";
    } else if (value instanceof List<?>) {
      return "list";
    } else if (value instanceof Map<?, ?>) {
      return "dict";
    } else if (value instanceof Undefined) {
      return "Undefined";
    }
    return value.getClass().getSimpleName();
  }

  static boolean truth(Object value) {
    if (value instanceof Boolean flag) {
      return flag;
    } else if (value == null || value instanceof Undefined) {
      return false;
    } else if (value instanceof String text) {
      return !text.isEmpty();
    } else if (value instanceof List<?> list) {
      return !list.isEmpty();
    } else if (value instanceof Map<?, ?> map) {
      return !map.isEmpty();
    } else if (value instanceof Double number) {
      return number != 0;
    } else if (value instanceof Number number) {
      return number.longValue() != 0 || value instanceof BigInteger;
    }
    return true;
  }

  /** {@code str(value)}, which is also what {@code {{ value }}} prints. */
  static String text(Object value) {
    if (value instanceof String text) {
      return text;
    }
    return value instanceof Undefined ? "" : repr(value);
  }

  static String repr(Object value) {
    if (value == null) {
      return "None";
    } else if (value instanceof String text) {
      return PythonText.quote(text);
    } else if (value instanceof Boolean flag) {
      return flag ? "True" : "False";
    } else if (value instanceof Double number) {
      return PythonText.repr(number);
    } else if (value instanceof Undefined) {
      return "Undefined";
    } else if (value instanceof List<?> list) {
      StringBuilder out = new StringBuilder("[");
      for (Object item : list) {
        out.append(out.length() > 1 ? ", " : "").append(repr(item));
        Budget.checkLength(out.length());
      }
      return out.append(']').toString();
    } else if (value instanceof Map<?, ?> map) {
      StringBuilder out = new StringBuilder("{");
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        out.append(out.length() > 1 ? ", " : "").append(repr(entry.getKey()));
        out.append(": ").append(repr(entry.getValue()));
        Budget.checkLength(out.length());
      }
      return out.append('}').toString();
    }
    return value.toString();
  }

  static boolean isInteger(Object value) {
    return value instanceof Long || value instanceof Integer || value instanceof BigInteger;
  }

  static boolean isNumber(Object value) {
    return isInteger(value) || value instanceof Double;
  }

  static long integer(Object value) {
    if (value instanceof Boolean flag) {
      return flag ? 1 : 0;
    } else if (value instanceof Long || value instanceof Integer) {
      return ((Number) value).longValue();
    } else if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    throw new TemplateException("an integer is needed, not " + typeName(value));
  }

  static double number(Object value) {
    return value instanceof Number number ? number.doubleValue() : integer(value);
  }

  static boolean equal(Object a, Object b) {
    if (a instanceof Undefined && b instanceof Undefined) {
      return true;
    }
    boolean numbers =
        (a instanceof Number || a instanceof Boolean)
            && (b instanceof Number || b instanceof Boolean);
    if (numbers) {
      return compare(a, b) == 0;
    }
    if (a instanceof List<?> left && b instanceof List<?> right) {
      if (left.size() != right.size()) {
        return false;
      }
      for (int i = 0; i < left.size(); i++) {
        if (!equal(left.get(i), right.get(i))) {
          return false;
        }
      }
      return true;
    }
    if (a instanceof Map<?, ?> left && b instanceof Map<?, ?> right) {
      if (left.size() != right.size()) {
        return false;
      }
      for (Map.Entry<?, ?> entry : left.entrySet()) {
        if (!right.containsKey(entry.getKey())
            || !equal(entry.getValue(), right.get(entry.getKey()))) {
          return false;
        }
      }
      return true;
    }
    return Objects.equals(a, b);
  }

  static int compare(Object a, Object b) {
    if (a instanceof String left && b instanceof String right) {
      return compareCodePoints(left, right);
    }
    if (a instanceof List<?> left && b instanceof List<?> right) {
      for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
        if (!equal(left.get(i), right.get(i))) {
          return compare(left.get(i), right.get(i));
        }
      }
      return Integer.compare(left.size(), right.size());
    }
    if (a instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (b instanceof Undefined undefined) {
      throw undefined.failure();
    }
    boolean numbers =
        (a instanceof Number || a instanceof Boolean)
            && (b instanceof Number || b instanceof Boolean);
    if (!numbers) {
      throw new TemplateException(
          "'" + typeName(a) + "' and '" + typeName(b) + "' cannot be compared");
    }
    if (a instanceof Double || b instanceof Double) {
      return Double.compare(number(a), number(b));
    }
    return decimal(a).compareTo(decimal(b));
  }

  private static BigDecimal decimal(Object value) {
    return value instanceof BigInteger big
        ? new BigDecimal(big)
        : BigDecimal.valueOf(integer(value));
  }

  private static int compareCodePoints(String a, String b) {
    for (int i = 0; i < Math.min(a.length(), b.length()); ) {
      int left = a.codePointAt(i);
      int right = b.codePointAt(i);
      if (left != right) {
        return Integer.compare(left, right);
      }
      i += Character.charCount(left);
    }
    return Integer.compare(a.length(), b.length());
  }

  /** {@code needle in haystack}. */
  static boolean contains(Object haystack, Object needle) {
    if (haystack instanceof String text) {
      if (needle instanceof String part) {
        return text.contains(part);
      }
      throw new TemplateException(
          "'in <string>' requires string as left operand, not " + typeName(needle));
    } else if (haystack instanceof Map<?, ?> map) {
      return map.containsKey(needle);
    }
    for (Object item : iterable(haystack)) {
      if (equal(item, needle)) {
        return true;
      }
    }
    return false;
  }

  /** The items of anything that can be looped over; a dict gives its keys. */
  static List<Object> iterable(Object value) {
    if (value instanceof List<?> list) {
      @SuppressWarnings("unchecked") // every list holds objects, and nobody writes to this one
      List<Object> items = (List<Object>) list;
      return items;
    } else if (value instanceof Map<?, ?> map) {
      return new ArrayList<>(map.keySet());
    } else if (value instanceof String text) {
      return PythonText.characters(text);
    } else if (value instanceof Undefined) {
      return List.of();
    }
    throw new TemplateException("'" + typeName(value) + "' object is not iterable");
  }

  static long length(Object value) {
    if (value instanceof String text) {
      return PythonText.length(text);
    } else if (value instanceof Map<?, ?> map) {
      return map.size();
    } else if (value instanceof List<?> || value instanceof Undefined) {
      return iterable(value).size();
    }
    throw new TemplateException("object of type '" + typeName(value) + "' has no len()");
  }

  /** {@code value.name}: a method or attribute first, then an item. */
  static Object attribute(Object value, String name) {
    if (value instanceof Map<?, ?> map) {
      Callable method = Methods.ofMap(map, name);
      if (method != null) {
        return method;
      }
      Object item = map.get(name);
      return item != null || map.containsKey(name) ? item : missing(value, name);
    } else if (value instanceof Attributes object) {
      Object attribute = object.attribute(name);
      return attribute != null ? attribute : missing(value, name);
    } else if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    Callable method = null;
    if (value instanceof String text) {
      method = Methods.ofText(text, name);
    } else if (value instanceof List<?> list) {
      method = Methods.ofList(list, name);
    }
    return method != null ? method : missing(value, name);
  }

  /** {@code value[key]}: an item first, then an attribute. */
  static Object item(Object value, Object key) {
    if (value instanceof Map<?, ?> map) {
      Object item = map.get(key);
      return item != null || map.containsKey(key) ? item : missing(value, text(key));
    } else if (value instanceof Undefined undefined) {
      throw undefined.failure();
    } else if (key instanceof String name) {
      return attribute(value, name);
    } else if ((value instanceof List<?> || value instanceof String) && isInteger(key)) {
      long size = length(value);
      long index = integer(key);
      long position = index < 0 ? index + size : index;
      if (position < 0 || position >= size) {
        return missing(value, text(key));
      }
      if (value instanceof List<?> list) {
        return list.get((int) position);
      }
      String text = (String) value;
      int at = text.offsetByCodePoints(0, (int) position);
      return text.substring(at, text.offsetByCodePoints(at, 1));
    }
    return missing(value, text(key));
  }

  private static Undefined missing(Object value, String name) {
    String owner = value == null ? "None" : "'" + typeName(value) + " object'";
    return new Undefined(owner + " has no attribute '" + name + "'");
  }

  /** {@code value[start:stop:step]}; a null bound is absent. */
  static Object slice(Object value, Object start, Object stop, Object step) {
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (!(value instanceof String || value instanceof List<?>)) {
      throw new TemplateException("'" + typeName(value) + "' object cannot be sliced");
    }
    List<Object> items = iterable(value);
    long stride = step == null ? 1 : integer(step);
    if (stride == 0) {
      throw new TemplateException("slice step cannot be zero");
    }
    int size = items.size();
    long from = bound(start, stride > 0 ? 0 : size - 1, size, stride);
    long to = bound(stop, stride > 0 ? size : -1, size, stride);
    List<Object> chosen = new ArrayList<>();
    for (long i = from; stride > 0 ? i < to : i > to; i += stride) {
      chosen.add(items.get((int) i));
    }
    if (value instanceof List<?>) {
      return chosen;
    }
    StringBuilder out = new StringBuilder(chosen.size());
    for (Object character : chosen) {
      out.append((String) character);
    }
    return out.toString();
  }

  private static long bound(Object given, long absent, int size, long stride) {
    if (given == null) {
      return absent;
    }
    long value = integer(given);
    long position = value < 0 ? value + size : value;
    return stride > 0
        ? Math.max(0, Math.min(size, position))
        : Math.max(-1, Math.min(size - 1L, position));
  }

  /** Calls something. */
  static Object call(Object callee, Arguments arguments) {
    if (callee instanceof Callable callable) {
      return callable.call(arguments);
    } else if (callee instanceof Undefined undefined) {
      throw undefined.failure();
    }
    throw new TemplateException("'" + typeName(callee) + "' object is not callable");
  }

  /** Joins texts. */
  static String join(Iterable<?> parts, String separator) {
    StringBuilder out = new StringBuilder();
    for (Iterator<?> it = parts.iterator(); it.hasNext(); ) {
      out.append(text(it.next())).append(it.hasNext() ? separator : "");
      Budget.checkLength(out.length());
    }
    return out.toString();
  }
}
