package org.sparktune.tokenizer.jinja;

/** The kinds of tokens. */
enum TokenType {
  /** Text outside any tag. */
  DATA,
  VARIABLE_BEGIN,
  VARIABLE_END,
  BLOCK_BEGIN,
  BLOCK_END,
  NAME,
  STRING,
  INTEGER,
  FLOAT,
  OPERATOR,
  END
}
