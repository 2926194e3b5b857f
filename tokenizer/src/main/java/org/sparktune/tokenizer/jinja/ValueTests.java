package org.sparktune.tokenizer.jinja;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The tests behind {@code is}. */
final class ValueTests {
  private ValueTests() {}

  /** One test. */
  @FunctionalInterface
  interface ValueTest {
    boolean holds(Object value, Arguments arguments);
  }

  /** The test of a name, or null. */
  static ValueTest get(String name) {
    return switch (name) {
      case "defined" -> (value, arguments) -> !(value instanceof Undefined);
      case "undefined" -> (value, arguments) -> value instanceof Undefined;
      case "none" -> (value, arguments) -> value == null;
      case "string" -> (value, arguments) -> value instanceof String;
      case "mapping" -> (value, arguments) -> value instanceof Map<?, ?>;
      case "sequence" ->
          (value, arguments) ->
              value instanceof List<?> || value instanceof String || value instanceof Map<?, ?>;
      case "iterable" ->
          (value, arguments) ->
              value instanceof List<?>
                  || value instanceof String
                  || value instanceof Map<?, ?>
                  || value instanceof Undefined;
      case "number" -> (value, arguments) -> Values.isNumber(value) || value instanceof Boolean;
      case "integer" -> (value, arguments) -> Values.isInteger(value);
      case "float" -> (value, arguments) -> value instanceof Double;
      case "boolean" -> (value, arguments) -> value instanceof Boolean;
      case "true" -> (value, arguments) -> Boolean.TRUE.equals(value);
      case "false" -> (value, arguments) -> Boolean.FALSE.equals(value);
      case "callable" -> (value, arguments) -> value instanceof Callable;
      case "odd" -> (value, arguments) -> Math.floorMod(Values.integer(value), 2L) == 1;
      case "even" -> (value, arguments) -> Math.floorMod(Values.integer(value), 2L) == 0;
      case "divisibleby" ->
          (value, arguments) ->
              Arithmetic.apply("%", value, arguments.required(0, "num")).equals(0L);
      case "eq", "equalto", "sameas" -> comparison("==");
      case "ne" -> comparison("!=");
      case "lt", "lessthan" -> comparison("<");
      case "le" -> comparison("<=");
      case "gt", "greaterthan" -> comparison(">");
      case "ge" -> comparison(">=");
      case "in" -> comparison("in");
      case "lower" ->
          (value, arguments) -> {
            String text = Values.text(value);
            return text.equals(text.toLowerCase(Locale.ROOT))
                && text.chars().anyMatch(Character::isLetter);
          };
      case "upper" ->
          (value, arguments) -> {
            String text = Values.text(value);
            return text.equals(text.toUpperCase(Locale.ROOT))
                && text.chars().anyMatch(Character::isLetter);
          };
      default -> null;
    };
  }

  private static ValueTest comparison(String operator) {
    return (value, arguments) -> {
      Object other = arguments.required(0, "other");
      return Boolean.TRUE.equals(
          new Expression.Comparison(
                  new Expression.Literal(value),
                  List.of(operator),
                  List.of(new Expression.Literal(other)))
              .evaluate(null));
    };
  }
}
