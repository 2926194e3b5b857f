package org.sparktune.tokenizer.jinja;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** {@code strftime} in the C locale. */
final class TimeFormat {
  private TimeFormat() {}

  static String format(LocalDateTime time, String format) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        out.append(c);
        continue;
      }
      char directive = format.charAt(++i);
      boolean unpadded = directive == '-' && i + 1 < format.length();
      if (unpadded) {
        directive = format.charAt(++i);
      }
      String value = directive(time, directive);
      out.append(unpadded && value.length() > 1 ? value.replaceFirst("^0", "") : value);
    }
    return out.toString();
  }

  private static String directive(LocalDateTime time, char directive) {
    return switch (directive) {
      case 'Y' -> by(time, "yyyy");
      case 'y' -> by(time, "yy");
      case 'm' -> by(time, "MM");
      case 'd' -> by(time, "dd");
      case 'e' -> String.format("%2d", time.getDayOfMonth());
      case 'H' -> by(time, "HH");
      case 'I' -> by(time, "hh");
      case 'M' -> by(time, "mm");
      case 'S' -> by(time, "ss");
      case 'f' -> by(time, "SSSSSS");
      case 'p' -> by(time, "a");
      case 'B' -> by(time, "MMMM");
      case 'b', 'h' -> by(time, "MMM");
      case 'A' -> by(time, "EEEE");
      case 'a' -> by(time, "EEE");
      case 'j' -> by(time, "DDD");
      case 'w' -> String.valueOf(time.getDayOfWeek().getValue() % 7);
      case 'u' -> String.valueOf(time.getDayOfWeek().getValue());
      case 'F' -> by(time, "yyyy-MM-dd");
      case 'D', 'x' -> by(time, "MM/dd/yy");
      case 'T', 'X' -> by(time, "HH:mm:ss");
      case 'R' -> by(time, "HH:mm");
      case 'c' ->
          by(time, "EEE MMM ")
              + String.format("%2d", time.getDayOfMonth())
              + by(time, " HH:mm:ss yyyy");
      case 'Z', 'z' -> "";
      case 'n' -> "\n";
      case 't' -> "\t";
      case '%' -> "%";
      default -> "%" + directive;
    };
  }

  private static String by(LocalDateTime time, String pattern) {
    return time.format(DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH));
  }
}
