package org.sparktune.tokenizer.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparktune.tokenizer.jinja.Expression.ArgumentList;

/** Reads expressions, with Jinja2's precedence. */
final class ExpressionParser {
  private static final int MAX_DEPTH = 200;
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final Set<String> AFTER_TEST =
      Set.of("else", "or", "and", "is", "if", "in", "not");
  private static final Expression ABSENT = new Expression.Literal(null);

  private final TokenStream tokens;
  private int depth;

  ExpressionParser(TokenStream tokens) {
    this.tokens = tokens;
  }

  /** An expression; several with commas between them are a tuple. */
  Expression tuple() {
    Expression first = expression();
    if (!tokens.peek().isOperator(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",") && startsExpression()) {
      items.add(expression());
    }
    return new Expression.ListOf(items);
  }

  private boolean startsExpression() {
    Token token = tokens.peek();
    return token.type() != TokenType.VARIABLE_END
        && token.type() != TokenType.BLOCK_END
        && !token.isOperator(")")
        && !token.isOperator("=");
  }

  /** One expression. */
  Expression expression() {
    if (++depth > MAX_DEPTH) {
      throw TemplateException.atLine(tokens.peek().line(), "the expression is nested too deeply");
    }
    Expression value = or();
    while (tokens.skipName("if")) {
      Expression condition = or();
      Expression otherwise =
          tokens.skipName("else")
              ? expression()
              : new Expression.Literal(
                  new Undefined(
                      "the inline if-expression evaluated to false and no else section was defined."));
      value = new Expression.Conditional(value, condition, otherwise);
    }
    depth--;
    return value;
  }

  /** An expression without an inline {@code if}, which {@code for … in … if …} needs. */
  Expression withoutCondition() {
    Expression first = or();
    if (!tokens.peek().isOperator(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",")) {
      items.add(or());
    }
    return new Expression.ListOf(items);
  }

  private Expression or() {
    Expression left = and();
    while (tokens.skipName("or")) {
      left = new Expression.Or(left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (tokens.skipName("and")) {
      left = new Expression.And(left, not());
    }
    return left;
  }

  private Expression not() {
    return tokens.skipName("not") ? new Expression.Not(not()) : comparison();
  }

  private Expression comparison() {
    Expression first = sum();
    List<String> operators = new ArrayList<>();
    List<Expression> others = new ArrayList<>();
    while (true) {
      Token token = tokens.peek();
      if (token.type() == TokenType.OPERATOR && COMPARISONS.contains(token.text())) {
        tokens.take();
        operators.add(token.text());
      } else if (tokens.skipName("in")) {
        operators.add("in");
      } else if (token.isName("not") && tokens.peekAfter().isName("in")) {
        tokens.take();
        tokens.take();
        operators.add("not in");
      } else {
        return others.isEmpty() ? first : new Expression.Comparison(first, operators, others);
      }
      others.add(sum());
    }
  }

  private Expression sum() {
    Expression left = concatenation();
    while (tokens.peek().isOperator("+") || tokens.peek().isOperator("-")) {
      left = new Expression.Binary(tokens.take().text(), left, concatenation());
    }
    return left;
  }

  private Expression concatenation() {
    Expression first = product();
    if (!tokens.peek().isOperator("~")) {
      return first;
    }
    List<Expression> parts = new ArrayList<>(List.of(first));
    while (tokens.skipOperator("~")) {
      parts.add(product());
    }
    return new Expression.Concatenation(parts);
  }

  private Expression product() {
    Expression left = power();
    while (tokens.peek().isOperator("*")
        || tokens.peek().isOperator("/")
        || tokens.peek().isOperator("//")
        || tokens.peek().isOperator("%")) {
      left = new Expression.Binary(tokens.take().text(), left, power());
    }
    return left;
  }

  private Expression power() {
    Expression left = unary(true);
    while (tokens.skipOperator("**")) {
      left = new Expression.Binary("**", left, unary(true));
    }
    return left;
  }

  private Expression unary(boolean withFilters) {
    Expression value;
    if (tokens.skipOperator("-")) {
      value = new Expression.Negative(unary(false));
    } else if (tokens.skipOperator("+")) {
      value = unary(false);
    } else {
      value = postfix(primary());
    }
    return withFilters ? filters(value) : value;
  }

  private Expression primary() {
    Token token = tokens.peek();
    return switch (token.type()) {
      case NAME -> {
        tokens.take();
        yield switch (token.text()) {
          case "true", "True" -> new Expression.Literal(true);
          case "false", "False" -> new Expression.Literal(false);
          case "none", "None" -> new Expression.Literal(null);
          default -> new Expression.Name(token.text());
        };
      }
      case STRING -> {
        StringBuilder text = new StringBuilder();
        while (tokens.peek().type() == TokenType.STRING) {
          text.append(tokens.take().text());
        }
        yield new Expression.Literal(text.toString());
      }
      case INTEGER -> new Expression.Literal(integer(tokens.take()));
      case FLOAT -> new Expression.Literal(Double.parseDouble(tokens.take().text()));
      case OPERATOR ->
          switch (token.text()) {
            case "(" -> parenthesized();
            case "[" -> list();
            case "{" -> dict();
            default -> throw tokens.unexpected("an expression");
          };
      case DATA, VARIABLE_BEGIN, VARIABLE_END, BLOCK_BEGIN, BLOCK_END, END ->
          throw tokens.unexpected("an expression");
    };
  }

  private static Long integer(Token token) {
    try {
      return Long.valueOf(token.text());
    } catch (NumberFormatException e) {
      throw TemplateException.atLine(token.line(), "the number " + token.text() + " is too large");
    }
  }

  private Expression parenthesized() {
    tokens.expectOperator("(");
    if (tokens.skipOperator(")")) {
      return new Expression.ListOf(List.of());
    }
    Expression inside = tuple();
    tokens.expectOperator(")");
    return inside;
  }

  private Expression list() {
    tokens.expectOperator("[");
    List<Expression> items = new ArrayList<>();
    while (!tokens.skipOperator("]")) {
      if (!items.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator("]")) {
          break;
        }
      }
      items.add(expression());
    }
    return new Expression.ListOf(items);
  }

  private Expression dict() {
    tokens.expectOperator("{");
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.skipOperator("}")) {
      if (!keys.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator("}")) {
          break;
        }
      }
      keys.add(expression());
      tokens.expectOperator(":");
      values.add(expression());
    }
    return new Expression.DictOf(keys, values);
  }

  private Expression postfix(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.skipOperator(".")) {
        Token name = tokens.take();
        if (name.type() == TokenType.INTEGER) {
          value = new Expression.Item(value, new Expression.Literal(integer(name)));
        } else if (name.type() == TokenType.NAME) {
          value = new Expression.Attribute(value, name.text());
        } else {
          throw TemplateException.atLine(name.line(), "expected a name after '.'");
        }
      } else if (tokens.skipOperator("[")) {
        value = subscript(value);
      } else if (tokens.peek().isOperator("(")) {
        value = new Expression.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  private Expression subscript(Expression object) {
    Expression start = ABSENT;
    if (!tokens.peek().isOperator(":")) {
      start = tuple();
      if (tokens.skipOperator("]")) {
        return new Expression.Item(object, start);
      }
    }
    tokens.expectOperator(":");
    Expression stop = bound();
    Expression step = tokens.skipOperator(":") ? bound() : ABSENT;
    tokens.expectOperator("]");
    return new Expression.Slice(object, start, stop, step);
  }

  private Expression bound() {
    boolean absent = tokens.peek().isOperator(":") || tokens.peek().isOperator("]");
    return absent ? ABSENT : expression();
  }

  /** Filters, tests and calls of their results. */
  private Expression filters(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.peek().isOperator("|")) {
        value = filter(value);
      } else if (tokens.peek().isName("is")) {
        value = test(value);
      } else if (tokens.peek().isOperator("(")) {
        value = new Expression.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  /** One {@code | name(arguments)}. */
  private Expression filter(Expression value) {
    tokens.expectOperator("|");
    return namedFilter(value);
  }

  /** {@code name(arguments)} and any filters behind it, applied to a value. */
  Expression namedFilters(Expression start) {
    Expression value = namedFilter(start);
    while (tokens.peek().isOperator("|")) {
      value = filter(value);
    }
    return value;
  }

  private Expression namedFilter(Expression value) {
    Token name = tokens.expect(TokenType.NAME, "a filter's name");
    Filters.Filter filter = Filters.get(name.text());
    if (filter == null) {
      throw TemplateException.atLine(name.line(), "no filter named '" + name.text() + "'");
    }
    ArgumentList arguments = tokens.peek().isOperator("(") ? arguments() : ArgumentList.NONE;
    return new Expression.Filtered(value, filter, arguments);
  }

  private Expression test(Expression value) {
    tokens.expectName("is");
    boolean negated = tokens.skipName("not");
    Token name = tokens.expect(TokenType.NAME, "a test's name");
    ValueTests.ValueTest test = ValueTests.get(name.text());
    if (test == null) {
      throw TemplateException.atLine(name.line(), "no test named '" + name.text() + "'");
    }
    ArgumentList arguments = ArgumentList.NONE;
    Token next = tokens.peek();
    if (next.isOperator("(")) {
      arguments = arguments();
    } else if (next.type() == TokenType.STRING
        || next.type() == TokenType.INTEGER
        || next.type() == TokenType.FLOAT
        || next.isOperator("[")
        || next.isOperator("{")
        || (next.type() == TokenType.NAME && !AFTER_TEST.contains(next.text()))) {
      arguments = new ArgumentList(List.of(postfix(primary())), Map.of());
    }
    return new Expression.Tested(value, test, arguments, negated);
  }

  /** {@code (a, b, name=c)}. */
  ArgumentList arguments() {
    tokens.expectOperator("(");
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    boolean first = true;
    while (!tokens.skipOperator(")")) {
      if (!first) {
        tokens.expectOperator(",");
        if (tokens.skipOperator(")")) {
          break;
        }
      }
      first = false;
      if (tokens.peek().type() == TokenType.NAME && tokens.peekAfter().isOperator("=")) {
        String name = tokens.take().text();
        tokens.take();
        named.put(name, expression());
      } else if (named.isEmpty()) {
        positional.add(expression());
      } else {
        throw TemplateException.atLine(
            tokens.peek().line(), "an argument without a name follows one with a name");
      }
    }
    return new ArgumentList(positional, named);
  }
}
