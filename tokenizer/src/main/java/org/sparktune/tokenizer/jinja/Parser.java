package org.sparktune.tokenizer.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparktune.tokenizer.jinja.Statement.Block;
import org.sparktune.tokenizer.jinja.Statement.Target;

/** Reads statements. */
final class Parser {
  private static final int MAX_DEPTH = 100;
  private static final Block NOTHING = new Block(List.of());

  private final TokenStream tokens;
  private final ExpressionParser expressions;
  private int depth;
  private int loopDepth;

  private Parser(String template) {
    tokens = new TokenStream(Lexer.tokenize(template));
    expressions = new ExpressionParser(tokens);
  }

  static Block parse(String template) {
    Parser parser = new Parser(template);
    Block all = parser.block(Set.of());
    if (parser.tokens.peek().type() != TokenType.END) {
      throw parser.tokens.unexpected("a statement");
    }
    return all;
  }

  /** Statements up to a tag of one of these names, which stays to be read from its name on. */
  private Block block(Set<String> ends) {
    if (++depth > MAX_DEPTH) {
      throw TemplateException.atLine(tokens.peek().line(), "the blocks are nested too deeply");
    }
    List<Statement> statements = new ArrayList<>();
    while (tokens.peek().type() != TokenType.END) {
      Token token = tokens.take();
      if (token.type() == TokenType.DATA) {
        statements.add(new Statement.Text(token.text()));
      } else if (token.type() == TokenType.VARIABLE_BEGIN) {
        statements.add(new Statement.Print(expressions.tuple()));
        tokens.expect(TokenType.VARIABLE_END, "'}}'");
      } else {
        if (ends.contains(tokens.peek().text())) {
          depth--;
          return new Block(List.copyOf(statements));
        }
        statements.add(statement());
      }
    }
    if (!ends.isEmpty()) {
      throw tokens.unexpected("one of " + new java.util.TreeSet<>(ends));
    }
    depth--;
    return new Block(List.copyOf(statements));
  }

  private Statement statement() {
    Token tag = tokens.expect(TokenType.NAME, "a tag's name");
    return switch (tag.text()) {
      case "if" -> ifStatement();
      case "for" -> forStatement();
      case "set" -> set();
      case "macro" -> macro();
      case "call" -> call();
      case "filter" -> filter();
      case "with" -> with();
      case "generation" -> {
        endTag();
        Block body = block(Set.of("endgeneration"));
        closing("endgeneration");
        yield new Statement.Generation(body);
      }
      case "break", "continue" -> {
        if (loopDepth == 0) {
          throw TemplateException.atLine(tag.line(), "'" + tag.text() + "' outside a loop");
        }
        endTag();
        yield new Statement.Jump(
            tag.text().equals("break") ? Statement.Flow.BREAK : Statement.Flow.CONTINUE);
      }
      case "include", "import", "from", "extends", "block" ->
          throw TemplateException.atLine(
              tag.line(), "'" + tag.text() + "' is not allowed: a chat template stands alone");
      default -> throw TemplateException.atLine(tag.line(), "unknown tag '" + tag.text() + "'");
    };
  }

  private void endTag() {
    tokens.expect(TokenType.BLOCK_END, "'%}'");
  }

  private void closing(String name) {
    tokens.expectName(name);
    endTag();
  }

  private Statement ifStatement() {
    List<Expression> conditions = new ArrayList<>();
    List<Block> branches = new ArrayList<>();
    Block otherwise = NOTHING;
    do {
      conditions.add(expressions.tuple());
      endTag();
      branches.add(block(Set.of("elif", "else", "endif")));
    } while (tokens.skipName("elif"));
    if (tokens.skipName("else")) {
      endTag();
      otherwise = block(Set.of("endif"));
    }
    closing("endif");
    return new Statement.If(conditions, branches, otherwise);
  }

  private Statement forStatement() {
    Target target = targets(false);
    tokens.expectName("in");
    Expression items = expressions.withoutCondition();
    Expression filter = tokens.skipName("if") ? expressions.expression() : null;
    if (tokens.peek().isName("recursive")) {
      throw TemplateException.atLine(tokens.peek().line(), "recursive loops are not supported");
    }
    endTag();
    loopDepth++;
    Block body = block(Set.of("else", "endfor"));
    loopDepth--;
    Block otherwise = NOTHING;
    if (tokens.skipName("else")) {
      endTag();
      otherwise = block(Set.of("endfor"));
    }
    closing("endfor");
    return new Statement.For(target, items, filter, body, otherwise);
  }

  private Target targets(boolean namespaces) {
    List<Target> all = new ArrayList<>();
    boolean tuple = false;
    do {
      if (tokens.skipOperator("(")) {
        all.add(targets(namespaces));
        tokens.expectOperator(")");
      } else {
        String name = tokens.expect(TokenType.NAME, "a variable's name").text();
        if (namespaces && tokens.skipOperator(".")) {
          String attribute = tokens.expect(TokenType.NAME, "an attribute's name").text();
          all.add(new Statement.NamespaceTarget(name, attribute));
        } else {
          all.add(new Statement.NameTarget(name));
        }
      }
      tuple |= tokens.peek().isOperator(",");
    } while (tokens.skipOperator(",")
        && tokens.peek().type() == TokenType.NAME
        && !tokens.peek().isName("in"));
    return tuple ? new Statement.TupleTarget(all) : all.get(0);
  }

  private Statement set() {
    Target target = targets(true);
    if (tokens.skipOperator("=")) {
      Statement statement = new Statement.Set(target, expressions.tuple());
      endTag();
      return statement;
    }
    Expression placeholder = new Expression.Literal("");
    Expression chain = placeholder;
    if (tokens.skipOperator("|")) {
      chain = expressions.namedFilters(placeholder);
    }
    endTag();
    Block body = block(Set.of("endset"));
    closing("endset");
    return captured(target, body, chain, placeholder);
  }

  private Statement filter() {
    Expression placeholder = new Expression.Literal("");
    Expression chain = expressions.namedFilters(placeholder);
    endTag();
    Block body = block(Set.of("endfilter"));
    closing("endfilter");
    return captured(null, body, chain, placeholder);
  }

  private static Statement captured(
      Target target, Block body, Expression chain, Expression placeholder) {
    return new Statement.Captured(target, body, value -> substitute(chain, placeholder, value));
  }

  /** The chain of filters with its innermost value replaced. */
  private static Expression substitute(Expression chain, Expression placeholder, Expression value) {
    if (chain instanceof Expression.Filtered filtered) {
      return new Expression.Filtered(
          substitute(filtered.value(), placeholder, value),
          filtered.filter(),
          filtered.arguments());
    }
    return chain == placeholder ? value : chain;
  }

  private Statement macro() {
    String name = tokens.expect(TokenType.NAME, "a macro's name").text();
    return macroBody(name, "endmacro");
  }

  private Statement.Macro macroBody(String name, String end) {
    List<String> parameters = new ArrayList<>();
    Map<String, Expression> defaults = new LinkedHashMap<>();
    parameters(parameters, defaults);
    endTag();
    return new Statement.Macro(name, parameters, defaults, macroBlock(end));
  }

  private Block macroBlock(String end) {
    int outerLoops = loopDepth;
    loopDepth = 0;
    Block body = block(Set.of(end));
    loopDepth = outerLoops;
    closing(end);
    return body;
  }

  private void parameters(List<String> parameters, Map<String, Expression> defaults) {
    tokens.expectOperator("(");
    while (!tokens.skipOperator(")")) {
      if (!parameters.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator(")")) {
          return;
        }
      }
      String parameter = tokens.expect(TokenType.NAME, "a parameter's name").text();
      parameters.add(parameter);
      if (tokens.skipOperator("=")) {
        defaults.put(parameter, expressions.expression());
      }
    }
  }

  private Statement call() {
    List<String> parameters = new ArrayList<>();
    Map<String, Expression> defaults = new LinkedHashMap<>();
    if (tokens.peek().isOperator("(")) {
      parameters(parameters, defaults);
    }
    Expression callee = expressions.expression();
    if (!(callee instanceof Expression.Call call)) {
      throw tokens.unexpected("a call");
    }
    endTag();
    Block body = macroBlock("endcall");
    return new Statement.CallBlock(call, new Statement.Macro("caller", parameters, defaults, body));
  }

  private Statement with() {
    List<Target> targets = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (tokens.peek().type() != TokenType.BLOCK_END) {
      if (!targets.isEmpty()) {
        tokens.expectOperator(",");
      }
      targets.add(
          new Statement.NameTarget(tokens.expect(TokenType.NAME, "a variable's name").text()));
      tokens.expectOperator("=");
      values.add(expressions.expression());
    }
    endTag();
    Block body = block(Set.of("endwith"));
    closing("endwith");
    return new Statement.With(targets, values, body);
  }
}
