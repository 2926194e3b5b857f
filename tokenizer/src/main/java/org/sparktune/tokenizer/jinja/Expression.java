package org.sparktune.tokenizer.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A node of an expression's tree, which evaluates itself. */
sealed interface Expression {

  Object evaluate(Scope scope);

  /** A literal. */
  record Literal(Object value) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return value;
    }
  }

  /** A variable. */
  record Name(String name) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return scope.get(name);
    }
  }

  /** A list or tuple. */
  record ListOf(List<Expression> items) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return evaluateAll(items, scope);
    }
  }

  /** A dict. */
  record DictOf(List<Expression> keys, List<Expression> values) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Map<Object, Object> map = new LinkedHashMap<>();
      for (int i = 0; i < keys.size(); i++) {
        map.put(keys.get(i).evaluate(scope), values.get(i).evaluate(scope));
      }
      return map;
    }
  }

  /** {@code object.name}. */
  record Attribute(Expression object, String name) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Values.attribute(object.evaluate(scope), name);
    }
  }

  /** {@code object[key]}. */
  record Item(Expression object, Expression key) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Values.item(object.evaluate(scope), key.evaluate(scope));
    }
  }

  /** {@code object[start:stop:step]}; absent bounds are literals of null. */
  record Slice(Expression object, Expression start, Expression stop, Expression step)
      implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Values.slice(
          object.evaluate(scope),
          start.evaluate(scope),
          stop.evaluate(scope),
          step.evaluate(scope));
    }
  }

  /** The arguments of a call, filter or test, not yet evaluated. */
  record ArgumentList(List<Expression> positional, Map<String, Expression> named) {
    static final ArgumentList NONE = new ArgumentList(List.of(), Map.of());

    Arguments evaluate(Scope scope) {
      if (positional.isEmpty() && named.isEmpty()) {
        return Arguments.NONE;
      }
      Map<String, Object> values = named.isEmpty() ? Map.of() : new LinkedHashMap<>();
      named.forEach((name, value) -> values.put(name, value.evaluate(scope)));
      return new Arguments(evaluateAll(positional, scope), values);
    }
  }

  /** {@code callee(arguments)}. */
  record Call(Expression callee, ArgumentList arguments) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Values.call(callee.evaluate(scope), arguments.evaluate(scope));
    }
  }

  /** {@code value | filter(arguments)}. */
  record Filtered(Expression value, Filters.Filter filter, ArgumentList arguments)
      implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return filter.apply(value.evaluate(scope), arguments.evaluate(scope));
    }
  }

  /** {@code value is test(arguments)}. */
  record Tested(
      Expression value, ValueTests.ValueTest test, ArgumentList arguments, boolean negated)
      implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return test.holds(value.evaluate(scope), arguments.evaluate(scope)) != negated;
    }
  }

  /** An arithmetic operator. */
  record Binary(String operator, Expression left, Expression right) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Arithmetic.apply(operator, left.evaluate(scope), right.evaluate(scope));
    }
  }

  /** {@code -value}. */
  record Negative(Expression value) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Arithmetic.negate(value.evaluate(scope));
    }
  }

  /** {@code a ~ b ~ c}. */
  record Concatenation(List<Expression> parts) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Values.join(evaluateAll(parts, scope), "");
    }
  }

  /** {@code a and b}, which has the value of the operand that decided. */
  record And(Expression left, Expression right) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object value = left.evaluate(scope);
      return Values.truth(value) ? right.evaluate(scope) : value;
    }
  }

  /** {@code a or b}, which has the value of the operand that decided. */
  record Or(Expression left, Expression right) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object value = left.evaluate(scope);
      return Values.truth(value) ? value : right.evaluate(scope);
    }
  }

  /** {@code not value}. */
  record Not(Expression value) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return !Values.truth(value.evaluate(scope));
    }
  }

  /** {@code a < b <= c …}. */
  record Comparison(Expression first, List<String> operators, List<Expression> others)
      implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object left = first.evaluate(scope);
      for (int i = 0; i < others.size(); i++) {
        Object right = others.get(i).evaluate(scope);
        if (!holds(operators.get(i), left, right)) {
          return false;
        }
        left = right;
      }
      return true;
    }

    private static boolean holds(String operator, Object a, Object b) {
      return switch (operator) {
        case "==" -> Values.equal(a, b);
        case "!=" -> !Values.equal(a, b);
        case "in" -> Values.contains(b, a);
        case "not in" -> !Values.contains(b, a);
        case "<" -> Values.compare(a, b) < 0;
        case "<=" -> Values.compare(a, b) <= 0;
        case ">" -> Values.compare(a, b) > 0;
        case ">=" -> Values.compare(a, b) >= 0;
        default -> throw new IllegalArgumentException(operator);
      };
    }
  }

  /** {@code value if condition else otherwise}. */
  record Conditional(Expression value, Expression condition, Expression otherwise)
      implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return (Values.truth(condition.evaluate(scope)) ? value : otherwise).evaluate(scope);
    }
  }

  private static List<Object> evaluateAll(List<Expression> expressions, Scope scope) {
    List<Object> values = new ArrayList<>(expressions.size());
    for (Expression expression : expressions) {
      values.add(expression.evaluate(scope));
    }
    return values;
  }
}
