package org.sparktune.pipeline.clean;

/**
 * Line ends become {@code \n} and exotic blanks plain ones. Blanks at line ends, empty lines at
 * both ends of the text and more than one in a row go. Indentation stays: in programs it has a
 * meaning.
 */
final class Blanks implements TextRewriter {
  private final boolean collapse;

  /**
   * @param collapse whether runs of blanks within a line become one
   */
  Blanks(boolean collapse) {
    this.collapse = collapse;
  }

  @Override
  public String name() {
    return "whitespace";
  }

  @Override
  public String rewrite(String text) {
    StringBuilder result = new StringBuilder(text.length());
    int emptyLines = 0;
    int start = 0;
    while (start <= text.length()) {
      int end = lineEnd(text, start);
      int before = result.length();
      boolean first = before == 0;
      if (!first) {
        result.append('\n');
      }
      appendLine(text, start, end, result);
      boolean empty = result.length() == before + (first ? 0 : 1);
      emptyLines = empty ? emptyLines + 1 : 0;
      if (empty && (first || emptyLines > 1)) {
        result.setLength(before);
      }
      boolean pair =
          end + 1 < text.length() && text.charAt(end) == '\r' && text.charAt(end + 1) == '\n';
      start = end + (pair ? 2 : 1);
    }
    while (!result.isEmpty() && result.charAt(result.length() - 1) == '\n') {
      result.setLength(result.length() - 1);
    }
    return result.toString();
  }

  private static int lineEnd(String text, int start) {
    int end = start;
    while (end < text.length()) {
      char c = text.charAt(end);
      if (c == '\n' || c == '\r' || c == 0x2028 || c == 0x2029 || c == 0x0b || c == 0x0c) {
        return end;
      }
      end++;
    }
    return end;
  }

  private void appendLine(String text, int start, int end, StringBuilder result) {
    int last = end;
    while (last > start && isBlank(text.charAt(last - 1))) {
      last--;
    }
    boolean indentation = true;
    for (int i = start; i < last; i++) {
      char c = text.charAt(i);
      boolean blank = isBlank(c);
      indentation &= blank;
      if (!blank) {
        result.append(c);
      } else if (indentation || !collapse) {
        result.append(c == '\t' ? '\t' : ' ');
      } else if (result.charAt(result.length() - 1) != ' ') {
        result.append(' ');
      }
    }
  }

  private static boolean isBlank(char c) {
    return c == ' ' || c == '\t' || (c >= 0x80 && Character.isSpaceChar(c));
  }
}
