package org.sparktune.tokenizer.jinja;

/**
 * One lexical unit.
 *
 * @param type what it is
 * @param text the output text, the name, the operator, the digits, or a string's value
 * @param line its line in the template, from 1
 */
record Token(TokenType type, String text, int line) {

  boolean is(TokenType other, String otherText) {
    return type == other && text.equals(otherText);
  }

  boolean isOperator(String operator) {
    return is(TokenType.OPERATOR, operator);
  }

  boolean isName(String name) {
    return is(TokenType.NAME, name);
  }

  /** How an error message calls it. */
  String described() {
    return switch (type) {
      case DATA -> "text";
      case END -> "the end of the template";
      case VARIABLE_BEGIN,
          VARIABLE_END,
          BLOCK_BEGIN,
          BLOCK_END,
          NAME,
          STRING,
          INTEGER,
          FLOAT,
          OPERATOR ->
          "'" + text + "'";
    };
  }
}
