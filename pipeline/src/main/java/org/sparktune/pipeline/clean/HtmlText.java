package org.sparktune.pipeline.clean;

import java.nio.charset.Charset;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.commons.text.translate.EntityArrays;

/**
 * The text of HTML: tags, comments, scripts and styles go, block elements begin new lines, entities
 * become characters. Only HTML's own elements count as tags, so that {@code List<String>} and
 * {@code a < b} stay.
 */
final class HtmlText implements TextRewriter {
  /** No tag is longer; what looks like one is text. */
  private static final int LONGEST_TAG = 1 << 13;

  private static final int LONGEST_ENTITY = 10;

  private static final Set<String> BLOCKS =
      Set.of(
          "address",
          "article",
          "aside",
          "blockquote",
          "body",
          "br",
          "center",
          "dd",
          "div",
          "dl",
          "dt",
          "fieldset",
          "figcaption",
          "figure",
          "footer",
          "form",
          "h1",
          "h2",
          "h3",
          "h4",
          "h5",
          "h6",
          "head",
          "header",
          "hr",
          "html",
          "li",
          "main",
          "nav",
          "ol",
          "p",
          "pre",
          "section",
          "table",
          "tbody",
          "tfoot",
          "thead",
          "title",
          "tr",
          "ul");

  private static final Set<String> INLINES =
      Set.of(
          "a",
          "abbr",
          "acronym",
          "audio",
          "b",
          "base",
          "bdi",
          "bdo",
          "big",
          "button",
          "canvas",
          "caption",
          "cite",
          "code",
          "col",
          "colgroup",
          "data",
          "datalist",
          "del",
          "details",
          "dfn",
          "dialog",
          "em",
          "embed",
          "font",
          "i",
          "iframe",
          "img",
          "input",
          "ins",
          "kbd",
          "label",
          "legend",
          "link",
          "map",
          "mark",
          "meta",
          "meter",
          "noscript",
          "object",
          "optgroup",
          "option",
          "output",
          "param",
          "path",
          "picture",
          "progress",
          "q",
          "rp",
          "rt",
          "ruby",
          "s",
          "samp",
          "select",
          "small",
          "source",
          "span",
          "strike",
          "strong",
          "sub",
          "summary",
          "sup",
          "svg",
          "td",
          "textarea",
          "th",
          "time",
          "track",
          "tt",
          "u",
          "var",
          "video",
          "wbr");

  /** Elements whose content is no text. */
  private static final Set<String> DROPPED = Set.of("script", "style", "template");

  private static final Charset WINDOWS_1252 = Charset.forName("windows-1252");
  private static final Map<String, String> ENTITIES = entities();

  private static Map<String, String> entities() {
    Map<String, String> entities = new HashMap<>();
    for (Map<CharSequence, CharSequence> some :
        List.of(
            EntityArrays.BASIC_UNESCAPE,
            EntityArrays.APOS_UNESCAPE,
            EntityArrays.ISO8859_1_UNESCAPE,
            EntityArrays.HTML40_EXTENDED_UNESCAPE)) {
      some.forEach((name, value) -> entities.put(name.toString(), value.toString()));
    }
    return entities;
  }

  @Override
  public String name() {
    return "html";
  }

  @Override
  public String rewrite(String text) {
    if (text.indexOf('<') < 0 && text.indexOf('&') < 0) {
      return text;
    }
    return new Scanner(text).scan();
  }

  /** One pass over a text. */
  private static final class Scanner {
    private final String text;
    private final StringBuilder result;

    /** What was looked for to the end in vain; not to be looked for again. */
    private final Set<String> unclosed = new HashSet<>();

    Scanner(String text) {
      this.text = text;
      this.result = new StringBuilder(text.length());
    }

    String scan() {
      int i = 0;
      while (i < text.length()) {
        char c = text.charAt(i);
        int end = c == '<' ? tag(i) : c == '&' ? entity(i) : -1;
        if (end < 0) {
          result.append(c);
          end = i + 1;
        }
        i = end;
      }
      return result.toString();
    }

    /** Where the markup that begins here ends, or -1 when it is none. */
    private int tag(int start) {
      if (text.startsWith("<!--", start)) {
        int end = closing("-->", start + 4);
        return end < 0 ? -1 : end + 3;
      }
      if (text.regionMatches(true, start, "<!doctype", 0, 9)) {
        int end = closing(">", start);
        return end < 0 ? -1 : end + 1;
      }
      boolean closing = text.startsWith("</", start);
      int nameStart = start + (closing ? 2 : 1);
      int nameEnd = nameStart;
      while (nameEnd < text.length() && isNamePart(text.charAt(nameEnd))) {
        nameEnd++;
      }
      String name = text.substring(nameStart, nameEnd).toLowerCase(Locale.ROOT);
      boolean dropped = DROPPED.contains(name);
      boolean block = BLOCKS.contains(name);
      if (!dropped && !block && !INLINES.contains(name)) {
        return -1;
      }
      int end = tagEnd(nameEnd);
      if (end < 0) {
        return -1;
      }
      if (dropped && !closing) {
        int close = closing("</" + name, end);
        return close < 0 ? end : Math.max(end, tagEnd(close + 2 + name.length()));
      }
      if (block && !result.isEmpty() && result.charAt(result.length() - 1) != '\n') {
        result.append('\n');
      }
      return end;
    }

    private static boolean isNamePart(char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }

    /** One past the tag's {@code >}, or -1; quoted values may hold that sign. */
    private int tagEnd(int from) {
      if (from < text.length() && ">/ \t\r\n".indexOf(text.charAt(from)) < 0) {
        return -1;
      }
      char quote = 0;
      int limit = Math.min(text.length(), from + LONGEST_TAG);
      for (int i = from; i < limit; i++) {
        char c = text.charAt(i);
        if (quote != 0) {
          quote = c == quote ? 0 : quote;
        } else if (c == '>') {
          return i + 1;
        } else if (c == '<') {
          return -1;
        } else if (c == '"' || c == '\'') {
          quote = c;
        }
      }
      return -1;
    }

    /** Where a mark stands next, in any case, or -1. */
    private int closing(String mark, int from) {
      if (unclosed.contains(mark)) {
        return -1;
      }
      for (int i = text.indexOf(mark.charAt(0), from);
          i >= 0;
          i = text.indexOf(mark.charAt(0), i + 1)) {
        if (text.regionMatches(true, i, mark, 0, mark.length())) {
          return i;
        }
      }
      unclosed.add(mark);
      return -1;
    }

    private int entity(int start) {
      int limit = Math.min(text.length(), start + LONGEST_ENTITY);
      int end = start + 1;
      while (end < limit && text.charAt(end) != ';') {
        end++;
      }
      if (end == limit) {
        return -1;
      }
      String written = text.substring(start, end + 1);
      String named = ENTITIES.get(written);
      if (named != null) {
        result.append(named);
        return end + 1;
      }
      int number =
          written.startsWith("&#") ? number(written.substring(2, written.length() - 1)) : -1;
      if (number < 0) {
        return -1;
      }
      result.appendCodePoint(number);
      return end + 1;
    }

    /** The code point of a numeric entity, or -1. */
    private static int number(String written) {
      boolean hexadecimal = written.startsWith("x") || written.startsWith("X");
      String digits = hexadecimal ? written.substring(1) : written;
      if (digits.isEmpty() || digits.charAt(0) == '+' || digits.charAt(0) == '-') {
        return -1;
      }
      int number;
      try {
        number = Integer.parseInt(digits, hexadecimal ? 16 : 10);
      } catch (NumberFormatException notANumber) {
        return -1;
      }
      if (number >= 0x80 && number < 0xa0) {
        // HTML takes these for the characters that Windows-1252 has there.
        return new String(new byte[] {(byte) number}, WINDOWS_1252).charAt(0);
      }
      boolean valid =
          Character.isValidCodePoint(number)
              && number != 0
              && !(number >= 0xd800 && number < 0xe000);
      return valid ? number : -1;
    }
  }
}
