package org.sparktune.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;

/** Python's arithmetic operators. */
final class Arithmetic {
  private Arithmetic() {}

  static Object apply(String operator, Object a, Object b) {
    if (a instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (b instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (a instanceof String left && b instanceof String right && operator.equals("+")) {
      Budget.checkLength((long) left.length() + right.length());
      return left.concat(right);
    }
    if (a instanceof List<?> left && b instanceof List<?> right && operator.equals("+")) {
      List<Object> both = new ArrayList<>(left);
      both.addAll(right);
      return both;
    }
    if (operator.equals("*") && (a instanceof String || b instanceof String)) {
      return a instanceof String text ? repeat(text, b) : repeat((String) b, a);
    }
    if (!isNumeric(a) || !isNumeric(b)) {
      if (operator.equals("+") && a instanceof String) {
        throw new TemplateException(
            "can only concatenate str (not \"" + Values.typeName(b) + "\") to str");
      }
      throw new TemplateException(
          "unsupported operand type(s) for "
              + operator
              + ": '"
              + Values.typeName(a)
              + "' and '"
              + Values.typeName(b)
              + "'");
    }
    try {
      return a instanceof Double || b instanceof Double || operator.equals("/")
          ? (Object) floating(operator, Values.number(a), Values.number(b))
          : integral(operator, Values.integer(a), Values.integer(b));
    } catch (ArithmeticException e) {
      throw new TemplateException(e.getMessage());
    }
  }

  static Object negate(Object value) {
    return value instanceof Double number
        ? (Object) (-number)
        : (Object) Math.negateExact(Values.integer(value));
  }

  private static boolean isNumeric(Object value) {
    return value instanceof Boolean || Values.isNumber(value);
  }

  private static String repeat(String text, Object times) {
    long count = Math.max(0, Values.integer(times));
    Budget.checkLength(
        Math.multiplyHigh(count, text.length()) != 0 ? Long.MAX_VALUE : count * text.length());
    return text.repeat(text.isEmpty() ? 0 : (int) count);
  }

  private static Object integral(String operator, long a, long b) {
    return switch (operator) {
      case "+" -> Math.addExact(a, b);
      case "-" -> Math.subtractExact(a, b);
      case "*" -> Math.multiplyExact(a, b);
      case "//" -> Math.floorDiv(a, b);
      case "%" -> Math.floorMod(a, b);
      case "**" -> power(a, b);
      default -> throw new IllegalArgumentException(operator);
    };
  }

  private static Object power(long base, long exponent) {
    if (exponent < 0) {
      return Math.pow((double) base, (double) exponent);
    }
    long result = 1;
    for (long i = 0; i < exponent && result != 0 && !(result == 1 && base == 1 && i > 0); i++) {
      result = Math.multiplyExact(result, base);
      if (i > 128) {
        throw new TemplateException("an exponent is too large");
      }
    }
    return result;
  }

  private static double floating(String operator, double a, double b) {
    if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw new TemplateException("division by zero");
    }
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / b;
      case "//" -> Math.floor(a / b);
      case "%" -> a - b * Math.floor(a / b);
      case "**" -> Math.pow(a, b);
      default -> throw new IllegalArgumentException(operator);
    };
  }
}
