package org.sparktune.pipeline.report;

/** Text inside HTML. */
final class Html {
  private Html() {}

  /** Escapes what would be read as markup, within elements and within quoted attributes. */
  static String escape(String text) {
    StringBuilder escaped = new StringBuilder(text.length() + 16);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> escaped.append("&amp;");
        case '<' -> escaped.append("&lt;");
        case '>' -> escaped.append("&gt;");
        case '"' -> escaped.append("&quot;");
        case '\'' -> escaped.append("&#39;");
        default -> {
          boolean control = c < ' ' && c != '\n' && c != '\t';
          escaped.append(control ? '\ufffd' : c);
        }
      }
    }
    return escaped.toString();
  }
}
