package org.sparktune.tokenizer.text;

import java.text.Normalizer.Form;
import java.util.EnumMap;
import java.util.Map;
import java.util.regex.Pattern;

/** Makes normalizers. */
public final class Normalizers {
  private static final Map<Form, Normalizer> UNICODE = new EnumMap<>(Form.class);

  private Normalizers() {}

  /** Unicode normalization to a form. */
  public static synchronized Normalizer unicode(Form form) {
    return UNICODE.computeIfAbsent(form, UnicodeNormalization::new);
  }

  /** Puts a prefix before every piece that is not empty. */
  public static Normalizer prepend(String prefix) {
    return new Prepend(prefix);
  }

  /** Replaces a literal text. */
  public static Normalizer replace(String from, String to) {
    return from.length() == 1 && to.length() == 1
        ? new CharacterReplacement(from.charAt(0), to.charAt(0))
        : new Replacement(Pattern.compile(Pattern.quote(from)), to);
  }

  /** Replaces what a regular expression matches. */
  public static Normalizer replace(Pattern pattern, String to) {
    return new Replacement(pattern, to);
  }

  /** Lower-cases code point by code point. */
  public static Normalizer lowercase() {
    return new Lowercase();
  }
}
