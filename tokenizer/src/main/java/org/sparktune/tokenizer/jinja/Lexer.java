package org.sparktune.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into tokens. White space follows Jinja2 with {@code trim_blocks} (the newline
 * after a block is dropped), {@code lstrip_blocks} (white space before a block that starts its line
 * is dropped), the {@code -} and {@code +} signs, and no final newline.
 */
final class Lexer {
  private static final Pattern RAW_BEGIN = Pattern.compile("\\{%([-+]?)\\s*raw\\s*([-+]?)%\\}");
  private static final Pattern RAW_END = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%\\}");
  private static final Pattern NUMBER =
      Pattern.compile("\\d+(?:_\\d+)*(?:\\.\\d+(?:_\\d+)*)?(?:[eE][-+]?\\d+(?:_\\d+)*)?");
  private static final Pattern NAME =
      Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_]*", Pattern.UNICODE_CHARACTER_CLASS);
  private static final String[] OPERATORS = {
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
    ">", "<", "=", ".", ":", "|", ",", ";"
  };

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int position;
  private int line = 1;
  private int lineCounted;

  /** Whether what stands at {@link #position} stands at the start of a line. */
  private boolean lineStarting = true;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokenize(String template) {
    String source = template.replace("\r\n", "\n").replace('\r', '\n');
    if (source.endsWith("\n")) {
      source = source.substring(0, source.length() - 1);
    }
    return new Lexer(source).run();
  }

  private List<Token> run() {
    while (position < source.length()) {
      int begin = nextTag();
      if (begin < 0) {
        addData(source.substring(position));
        position = source.length();
        break;
      }
      char kind = source.charAt(begin + 1);
      Matcher raw = RAW_BEGIN.matcher(source).region(begin, source.length());
      boolean isRaw = kind == '%' && raw.lookingAt();
      String sign = isRaw ? raw.group(1) : sign(begin + 2);
      addDataBefore(begin, sign, kind);
      if (isRaw) {
        position = raw.end();
        skipAfterBlock(raw.group(2));
        raw();
      } else {
        position = begin + 2 + sign.length();
        switch (kind) {
          case '#' -> comment();
          case '%' -> tag(TokenType.BLOCK_BEGIN, TokenType.BLOCK_END, "%}");
          default -> tag(TokenType.VARIABLE_BEGIN, TokenType.VARIABLE_END, "}}");
        }
      }
      lineStarting = position > 0 && source.charAt(position - 1) == '\n';
    }
    tokens.add(new Token(TokenType.END, "", lineAt(source.length())));
    return tokens;
  }

  private int nextTag() {
    for (int at = source.indexOf('{', position); at >= 0; at = source.indexOf('{', at + 1)) {
      if (at + 1 < source.length() && "{%#".indexOf(source.charAt(at + 1)) >= 0) {
        return at;
      }
    }
    return -1;
  }

  private String sign(int at) {
    if (at < source.length() && (source.charAt(at) == '-' || source.charAt(at) == '+')) {
      return source.substring(at, at + 1);
    }
    return "";
  }

  private void addDataBefore(int end, String sign, char kind) {
    String text = source.substring(position, end);
    if (sign.equals("-")) {
      text = PythonText.stripEnd(text);
    } else if (sign.isEmpty() && kind != '{') {
      int lineStart = text.lastIndexOf('\n') + 1;
      if ((lineStart > 0 || lineStarting) && PythonText.isSpace(text, lineStart)) {
        text = text.substring(0, lineStart);
      }
    }
    addData(text);
  }

  private void addData(String text) {
    if (!text.isEmpty()) {
      tokens.add(new Token(TokenType.DATA, text, lineAt(position)));
    }
  }

  private void raw() {
    Matcher end = RAW_END.matcher(source);
    if (!end.find(position)) {
      throw TemplateException.atLine(lineAt(position), "'raw' has no 'endraw'");
    }
    lineStarting = source.charAt(position - 1) == '\n';
    addDataBefore(end.start(), end.group(1), '%');
    position = end.end();
    skipAfterBlock(end.group(2));
  }

  private void comment() {
    int end = source.indexOf("#}", position);
    if (end < 0) {
      throw TemplateException.atLine(lineAt(position), "a comment has no '#}'");
    }
    // "{#-#}" has one sign, which belongs to the beginning.
    String sign = end > position ? sign(end - 1) : "";
    position = end + 2;
    skipAfterBlock(sign);
  }

  /** Skips the white space that the end of a block or comment swallows. */
  private void skipAfterBlock(String sign) {
    if (sign.equals("-")) {
      skipSpace();
    } else if (sign.isEmpty() && position < source.length() && source.charAt(position) == '\n') {
      position++;
    }
  }

  private void skipSpace() {
    while (position < source.length() && PythonText.isSpace(source.charAt(position))) {
      position++;
    }
  }

  private void tag(TokenType begin, TokenType end, String endMark) {
    int beginLine = lineAt(position);
    tokens.add(new Token(begin, begin == TokenType.BLOCK_BEGIN ? "{%" : "{{", beginLine));
    int depth = 0;
    while (true) {
      skipSpace();
      if (position >= source.length()) {
        throw TemplateException.atLine(beginLine, "a tag has no '" + endMark + "'");
      }
      if (depth == 0 && atEnd(endMark)) {
        String sign = source.startsWith(endMark, position) ? "" : sign(position);
        tokens.add(new Token(end, endMark, lineAt(position)));
        position += sign.length() + endMark.length();
        if (end == TokenType.BLOCK_END) {
          skipAfterBlock(sign);
        } else if (sign.equals("-")) {
          skipSpace();
        }
        return;
      }
      Token token = expressionToken();
      tokens.add(token);
      if (token.type() == TokenType.OPERATOR) {
        switch (token.text()) {
          case "(", "[", "{" -> depth++;
          case ")", "]", "}" -> depth--;
          default -> {
            continue;
          }
        }
      }
    }
  }

  private boolean atEnd(String endMark) {
    if (source.startsWith(endMark, position)) {
      return true;
    }
    char c = source.charAt(position);
    boolean signed = c == '-' || (c == '+' && endMark.equals("%}"));
    return signed && source.startsWith(endMark, position + 1);
  }

  private Token expressionToken() {
    int tokenLine = lineAt(position);
    char c = source.charAt(position);
    if (c == '"' || c == '\'') {
      return string(c, tokenLine);
    }
    Matcher number = NUMBER.matcher(source).region(position, source.length());
    if (number.lookingAt()) {
      String text = number.group().replace("_", "");
      position = number.end();
      boolean isFloat = text.indexOf('.') >= 0 || text.indexOf('e') >= 0 || text.indexOf('E') >= 0;
      return new Token(isFloat ? TokenType.FLOAT : TokenType.INTEGER, text, tokenLine);
    }
    Matcher name = NAME.matcher(source).region(position, source.length());
    if (name.lookingAt()) {
      position = name.end();
      return new Token(TokenType.NAME, name.group(), tokenLine);
    }
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, position)) {
        position += operator.length();
        return new Token(TokenType.OPERATOR, operator, tokenLine);
      }
    }
    throw TemplateException.atLine(tokenLine, "unexpected character '" + c + "'");
  }

  private Token string(char quote, int tokenLine) {
    int end = position + 1;
    while (end < source.length() && source.charAt(end) != quote) {
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    if (end >= source.length()) {
      throw TemplateException.atLine(tokenLine, "a string has no closing " + quote);
    }
    String value = PythonText.unescape(source.substring(position + 1, end));
    position = end + 1;
    return new Token(TokenType.STRING, value, tokenLine);
  }

  /** The line of an offset; offsets are asked for in rising order. */
  private int lineAt(int offset) {
    while (lineCounted < offset) {
      if (source.charAt(lineCounted++) == '\n') {
        line++;
      }
    }
    return line;
  }
}
