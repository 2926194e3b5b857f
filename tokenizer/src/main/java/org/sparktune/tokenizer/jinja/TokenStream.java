package org.sparktune.tokenizer.jinja;

import java.util.List;

/** The tokens of a template, read from front to back. */
final class TokenStream {
  private final List<Token> tokens;
  private int next;

  TokenStream(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token peek() {
    return tokens.get(next);
  }

  Token peekAfter() {
    return tokens.get(Math.min(next + 1, tokens.size() - 1));
  }

  Token take() {
    Token token = tokens.get(next);
    if (token.type() != TokenType.END) {
      next++;
    }
    return token;
  }

  boolean skipOperator(String operator) {
    return skipIf(peek().isOperator(operator));
  }

  boolean skipName(String name) {
    return skipIf(peek().isName(name));
  }

  private boolean skipIf(boolean condition) {
    if (condition) {
      next++;
    }
    return condition;
  }

  Token expect(TokenType type, String what) {
    if (peek().type() != type) {
      throw unexpected(what);
    }
    return take();
  }

  void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw unexpected("'" + operator + "'");
    }
  }

  void expectName(String name) {
    if (!skipName(name)) {
      throw unexpected("'" + name + "'");
    }
  }

  TemplateException unexpected(String wanted) {
    return TemplateException.atLine(
        peek().line(), "expected " + wanted + ", found " + peek().described());
  }
}
