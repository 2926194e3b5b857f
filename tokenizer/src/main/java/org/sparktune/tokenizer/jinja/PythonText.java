package org.sparktune.tokenizer.jinja;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;

/** What Python's {@code str} and {@code float} do, where Java's own methods differ. */
final class PythonText {
  private PythonText() {}

  /** Python's {@code str.isspace} for one character. All such characters are in the BMP. */
  static boolean isSpace(char c) {
    if (c < 0x80) {
      return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
    }
    return c == 0x85
        || c == 0xa0
        || c == 0x1680
        || (c >= 0x2000 && c <= 0x200a)
        || c == 0x2028
        || c == 0x2029
        || c == 0x202f
        || c == 0x205f
        || c == 0x3000;
  }

  /** Whether all of {@code text} from {@code start} on is white space. */
  static boolean isSpace(String text, int start) {
    for (int i = start; i < text.length(); i++) {
      if (!isSpace(text.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  static String strip(String text) {
    return stripStart(stripEnd(text));
  }

  static String stripStart(String text) {
    int start = 0;
    while (start < text.length() && isSpace(text.charAt(start))) {
      start++;
    }
    return text.substring(start);
  }

  static String stripEnd(String text) {
    int end = text.length();
    while (end > 0 && isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end);
  }

  /** Python's {@code strip(characters)}, on either or both sides. */
  static String strip(String text, String characters, boolean atStart, boolean atEnd) {
    int start = 0;
    int end = text.length();
    while (atStart && start < end) {
      int c = text.codePointAt(start);
      if (characters.indexOf(c) < 0) {
        break;
      }
      start += Character.charCount(c);
    }
    while (atEnd && end > start) {
      int c = text.codePointBefore(end);
      if (characters.indexOf(c) < 0) {
        break;
      }
      end -= Character.charCount(c);
    }
    return text.substring(start, end);
  }

  /** {@code str.split()}: at runs of white space, without empty pieces. */
  static List<Object> splitAtSpace(String text, long limit) {
    List<Object> pieces = new ArrayList<>();
    int i = 0;
    while (true) {
      while (i < text.length() && isSpace(text.charAt(i))) {
        i++;
      }
      if (i == text.length()) {
        return pieces;
      }
      if (limit >= 0 && pieces.size() == limit) {
        pieces.add(stripEnd(text.substring(i)));
        return pieces;
      }
      int start = i;
      while (i < text.length() && !isSpace(text.charAt(i))) {
        i++;
      }
      pieces.add(text.substring(start, i));
    }
  }

  /** {@code str.split(separator, limit)}. */
  static List<Object> split(String text, String separator, long limit) {
    if (separator.isEmpty()) {
      throw new TemplateException("empty separator");
    }
    List<Object> pieces = new ArrayList<>();
    int start = 0;
    for (int at = text.indexOf(separator);
        at >= 0 && (limit < 0 || pieces.size() < limit);
        at = text.indexOf(separator, start)) {
      pieces.add(text.substring(start, at));
      start = at + separator.length();
    }
    pieces.add(text.substring(start));
    return pieces;
  }

  /** {@code str.rsplit(separator, limit)}. */
  static List<Object> splitFromEnd(String text, String separator, long limit) {
    if (limit < 0) {
      return split(text, separator, limit);
    }
    List<Object> pieces = new ArrayList<>();
    int end = text.length();
    while (pieces.size() < limit) {
      int at =
          end < separator.length() ? -1 : text.lastIndexOf(separator, end - separator.length());
      if (at < 0) {
        break;
      }
      pieces.add(0, text.substring(at + separator.length(), end));
      end = at;
    }
    pieces.add(0, text.substring(0, end));
    return pieces;
  }

  static boolean hasSurrogates(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        return true;
      }
    }
    return false;
  }

  /** The text's length as Python counts it: in code points. */
  static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  /** The characters of a text, each as a string. */
  static List<Object> characters(String text) {
    List<Object> all = new ArrayList<>(text.length());
    for (int i = 0; i < text.length(); ) {
      int next = i + Character.charCount(text.codePointAt(i));
      all.add(text.substring(i, next));
      i = next;
    }
    return all;
  }

  /** {@code str.title()}. */
  static String title(String text) {
    StringBuilder out = new StringBuilder(text.length());
    boolean inWord = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      out.appendCodePoint(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
      inWord = Character.isLetter(c);
    }
    return out.toString();
  }

  /**
   * The value of a string literal's inside, with Python's escapes; unknown ones stay as written.
   */
  static String unescape(String inside) {
    if (inside.indexOf('\\') < 0) {
      return inside;
    }
    StringBuilder out = new StringBuilder(inside.length());
    for (int i = 0; i < inside.length(); ) {
      char c = inside.charAt(i++);
      if (c != '\\' || i == inside.length()) {
        out.append(c);
        continue;
      }
      char escape = inside.charAt(i++);
      switch (escape) {
        case '\n' -> {
          // A backslash at the end of a line joins it with the next.
        }
        case '\\', '\'', '"' -> out.append(escape);
        case 'n' -> out.append('\n');
        case 't' -> out.append('\t');
        case 'r' -> out.append('\r');
        case 'a' -> out.append((char) 7);
        case 'b' -> out.append('\b');
        case 'f' -> out.append('\f');
        case 'v' -> out.append((char) 11);
        case 'x' -> i = hexadecimal(inside, i, 2, out);
        case 'u' -> i = hexadecimal(inside, i, 4, out);
        case 'U' -> i = hexadecimal(inside, i, 8, out);
        case '0', '1', '2', '3', '4', '5', '6', '7' -> {
          int end = i;
          while (end < inside.length()
              && end < i + 2
              && "01234567".indexOf(inside.charAt(end)) >= 0) {
            end++;
          }
          out.append((char) Integer.parseInt(inside.substring(i - 1, end), 8));
          i = end;
        }
        default -> out.append('\\').append(escape);
      }
    }
    return out.toString();
  }

  private static int hexadecimal(String inside, int start, int digits, StringBuilder out) {
    int end = start + digits;
    try {
      out.appendCodePoint(Integer.parseInt(inside.substring(start, end), 16));
    } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
      throw new TemplateException("a string holds a truncated or impossible escape");
    }
    return end;
  }

  /** {@code repr} of a string. */
  static String quote(String text) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    StringBuilder out = new StringBuilder(text.length() + 2).append(quote);
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      switch (c) {
        case '\n' -> out.append("\\n");
        case '\t' -> out.append("\\t");
        case '\r' -> out.append("\\r");
        case '\\' -> out.append("\\\\");
        default -> {
          if (c == quote) {
            out.append('\\').append(quote);
          } else if (!isPrintable(c)) {
            out.append(
                String.format(c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c));
          } else {
            out.appendCodePoint(c);
          }
        }
      }
    }
    return out.append(quote).toString();
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }

  /** {@code repr} of a float: the shortest digits that read back as the same value. */
  static String repr(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    // Java 17's Double.toString sometimes has a digit too many, so shorter ones are tried.
    BigDecimal digits = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    for (int precision = 1; precision < digits.precision(); precision++) {
      BigDecimal shorter = new BigDecimal(value).round(new MathContext(precision));
      if (shorter.doubleValue() == value) {
        digits = shorter.stripTrailingZeros();
        break;
      }
    }
    int exponent = digits.precision() - digits.scale() - 1;
    if (exponent < -4 || exponent >= 16) {
      String unscaled = digits.unscaledValue().abs().toString();
      String mantissa =
          unscaled.length() == 1 ? unscaled : unscaled.charAt(0) + "." + unscaled.substring(1);
      return (value < 0 ? "-" : "")
          + mantissa
          + String.format("e%s%02d", exponent < 0 ? "-" : "+", Math.abs(exponent));
    }
    String plain = digits.toPlainString();
    return plain.indexOf('.') < 0 ? plain + ".0" : plain;
  }
}
