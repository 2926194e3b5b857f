package org.sparktune.pipeline.clean;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.spec.CleanOptions.PersonalData;

/**
 * Puts {@code [EMAIL]}, {@code [CARD]} and so on where personal data stands, and counts it. Numbers
 * with check digits are masked only when they are right; addresses only when they are public.
 */
final class PersonalDataMask {
  private static final String LETTER_OR_DIGIT_BEFORE = "(?<![A-Za-z0-9_.+-])";
  private static final int LONGEST_GROUP = 4;
  private static final int LONGEST_NAME = 64;
  private static final String END = "(?![A-Za-z0-9_-]|\\.\\d)";

  /**
   * A kind of data.
   *
   * @param begins where it may begin; patterns are tried nowhere else, for they are slow
   * @param pattern what may be it
   * @param ends where what was found really ends, or -1 when it is something else
   */
  private record Detector(
      PersonalData kind, String placeholder, Begins begins, Pattern pattern, Ends ends) {}

  /** Looks for the next place where something may begin. */
  private interface Begins {
    /** An index of at least {@code from}; the text's length when there is none. */
    int next(String text, int from);
  }

  /** Checks what a pattern found. */
  private interface Ends {
    int of(String text, int start, int end);
  }

  private final List<Detector> detectors = new ArrayList<>();

  PersonalDataMask(List<PersonalData> kinds) {
    // In the enum's order but for telephones, which look like any number: whatever is found by an
    // earlier one is gone when they are looked for.
    for (PersonalData kind : PersonalData.values()) {
      if (kinds.contains(kind) && kind != PersonalData.PHONE) {
        detectors.add(detector(kind));
      }
    }
    if (kinds.contains(PersonalData.PHONE)) {
      detectors.add(detector(PersonalData.PHONE));
    }
  }

  private static Detector detector(PersonalData kind) {
    return switch (kind) {
      case EMAIL ->
          new Detector(
              kind,
              "[EMAIL]",
              PersonalDataMask::address,
              Pattern.compile(
                  "(?<![A-Za-z0-9_.%+-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_%+-])?"
                      + "@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z]{2,24}(?![A-Za-z0-9-])"),
              (text, start, end) -> end);
      case PHONE ->
          new Detector(
              kind,
              "[PHONE]",
              PersonalDataMask::telephone,
              Pattern.compile(
                  LETTER_OR_DIGIT_BEFORE
                      + "(?:\\+\\d{1,3}(?:[ .()/-]{0,2}\\d){6,12}"
                      + "|(?:1[ .-])?(?:\\([2-9]\\d{2}\\) ?|[2-9]\\d{2}[ .-])[2-9]\\d{2}[ .-]\\d{4}"
                      + "|1[3-9]\\d[ -]?\\d{4}[ -]?\\d{4})"
                      + END),
              (text, start, end) -> end);
      case CARD ->
          new Detector(
              kind,
              "[CARD]",
              PersonalDataMask::number,
              Pattern.compile(
                  LETTER_OR_DIGIT_BEFORE
                      + "(?:\\d{13,19}|\\d{4}([ -])\\d{4}\\1\\d{4}\\1\\d{1,7}|\\d{4}([ -])\\d{6}\\2\\d{5})"
                      + END),
              (text, start, end) -> CheckDigits.isCard(text.substring(start, end)) ? end : -1);
      case IBAN ->
          new Detector(
              kind,
              "[IBAN]",
              PersonalDataMask::account,
              Pattern.compile("(?<![A-Za-z0-9])[A-Z]{2}\\d{2}(?= ?[A-Z0-9]{4})"),
              (text, start, end) -> CheckDigits.ibanEnd(text, start));
      case SSN ->
          new Detector(
              kind,
              "[SSN]",
              PersonalDataMask::number,
              Pattern.compile(
                  LETTER_OR_DIGIT_BEFORE
                      + "(?!000|666|9\\d\\d)\\d{3}-(?!00)\\d{2}-(?!0000)\\d{4}"
                      + END),
              (text, start, end) -> end);
      case IPV4 ->
          new Detector(
              kind,
              "[IP]",
              PersonalDataMask::number,
              Pattern.compile(
                  "(?<![A-Za-z0-9_.])\\d{1,3}(?:\\.\\d{1,3}){3}(?![A-Za-z0-9_]|\\.\\d)"),
              (text, start, end) ->
                  InternetAddresses.isPublicV4(text.substring(start, end)) ? end : -1);
      case IPV6 ->
          new Detector(
              kind,
              "[IP]",
              PersonalDataMask::groups,
              Pattern.compile("(?<![A-Za-z0-9_:.])[0-9A-Fa-f:]{3,39}(?![A-Za-z0-9_:])"),
              (text, start, end) ->
                  InternetAddresses.isPublicV6(text.substring(start, end)) ? end : -1);
    };
  }

  /** The text with marks in place of personal data. */
  String mask(String text, Counters counters) {
    String result = text;
    for (Detector detector : detectors) {
      result = mask(result, detector, counters);
    }
    return result;
  }

  private static String mask(String text, Detector detector, Counters counters) {
    Matcher matcher = null;
    StringBuilder masked = null;
    int copied = 0;
    int found = 0;
    int i = detector.begins().next(text, 0);
    while (i < text.length()) {
      matcher =
          matcher == null ? detector.pattern().matcher(text).useTransparentBounds(true) : matcher;
      boolean possible = matcher.region(i, text.length()).lookingAt();
      int end = possible ? detector.ends().of(text, i, matcher.end()) : -1;
      if (end >= 0) {
        masked = masked == null ? new StringBuilder(text.length()) : masked;
        masked.append(text, copied, i).append(detector.placeholder());
        copied = end;
        found++;
      }
      i = detector.begins().next(text, Math.max(end, i + 1));
    }
    if (masked == null) {
      return text;
    }
    counters.add("masked." + detector.kind().name().toLowerCase(Locale.ROOT), found);
    return masked.append(text, copied, text.length()).toString();
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static boolean isUpper(char c) {
    return c >= 'A' && c <= 'Z';
  }

  private static boolean isLetterOrDigit(char c) {
    return isDigit(c) || isUpper(c) || (c >= 'a' && c <= 'z');
  }

  /** The next digit that no letter or digit stands before. */
  private static int number(String text, int from) {
    for (int i = from; i < text.length(); i++) {
      if (isDigit(text.charAt(i)) && (i == 0 || !isLetterOrDigit(text.charAt(i - 1)))) {
        return i;
      }
    }
    return text.length();
  }

  /** As {@link #number}, or an opening bracket or plus before a digit. */
  private static int telephone(String text, int from) {
    for (int i = from; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean sign = (c == '+' || c == '(') && i + 1 < text.length() && isDigit(text.charAt(i + 1));
      boolean first = isDigit(c) && (i == 0 || !isLetterOrDigit(text.charAt(i - 1)));
      if (sign || first) {
        return i;
      }
    }
    return text.length();
  }

  /** The next two capitals with a digit behind. */
  private static int account(String text, int from) {
    for (int i = from; i + 2 < text.length(); i++) {
      if (isUpper(text.charAt(i)) && isUpper(text.charAt(i + 1)) && isDigit(text.charAt(i + 2))) {
        return i;
      }
    }
    return text.length();
  }

  /** The next beginning of something with two colons at most four characters apart. */
  private static int groups(String text, int from) {
    int colon = text.indexOf(':', from);
    while (colon >= 0) {
      int next = text.indexOf(':', colon + 1);
      if (next < 0) {
        return text.length();
      }
      if (next - colon <= LONGEST_GROUP + 1) {
        int start = colon;
        int least = Math.max(from, colon - LONGEST_GROUP);
        while (start > least && isLetterOrDigit(text.charAt(start - 1))) {
          start--;
        }
        return start;
      }
      colon = next;
    }
    return text.length();
  }

  /** The beginning of the next word with an at sign. */
  private static int address(String text, int from) {
    int at = text.indexOf('@', from);
    if (at < 0) {
      return text.length();
    }
    int start = at;
    while (start > from && at - start < LONGEST_NAME && isNamePart(text.charAt(start - 1))) {
      start--;
    }
    while (start < at && !isLetterOrDigit(text.charAt(start))) {
      start++;
    }
    return start;
  }

  private static boolean isNamePart(char c) {
    return isLetterOrDigit(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-';
  }
}
