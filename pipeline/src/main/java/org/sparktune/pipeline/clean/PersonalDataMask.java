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
  private static final String END = "(?![A-Za-z0-9_-]|\\.\\d)";

  /**
   * A kind of data.
   *
   * @param mark a character without which a text holds none; 0 for a digit
   * @param pattern what may be it
   * @param ends where what was found really ends, or -1 when it is something else
   */
  private record Detector(
      PersonalData kind, char mark, String placeholder, Pattern pattern, Ends ends) {}

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
              '@',
              "[EMAIL]",
              Pattern.compile(
                  "(?<![A-Za-z0-9_.%+-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_%+-])?"
                      + "@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z]{2,24}(?![A-Za-z0-9-])"),
              (text, start, end) -> end);
      case PHONE ->
          new Detector(
              kind,
              (char) 0,
              "[PHONE]",
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
              (char) 0,
              "[CARD]",
              Pattern.compile(
                  LETTER_OR_DIGIT_BEFORE
                      + "(?:\\d{13,19}|\\d{4}([ -])\\d{4}\\1\\d{4}\\1\\d{1,7}|\\d{4}([ -])\\d{6}\\2\\d{5})"
                      + END),
              (text, start, end) -> CheckDigits.isCard(text.substring(start, end)) ? end : -1);
      case IBAN ->
          new Detector(
              kind,
              (char) 0,
              "[IBAN]",
              Pattern.compile("(?<![A-Za-z0-9])[A-Z]{2}\\d{2}(?= ?[A-Z0-9]{4})"),
              (text, start, end) -> CheckDigits.ibanEnd(text, start));
      case SSN ->
          new Detector(
              kind,
              '-',
              "[SSN]",
              Pattern.compile(
                  LETTER_OR_DIGIT_BEFORE
                      + "(?!000|666|9\\d\\d)\\d{3}-(?!00)\\d{2}-(?!0000)\\d{4}"
                      + END),
              (text, start, end) -> end);
      case IPV4 ->
          new Detector(
              kind,
              '.',
              "[IP]",
              Pattern.compile(
                  "(?<![A-Za-z0-9_.])\\d{1,3}(?:\\.\\d{1,3}){3}(?![A-Za-z0-9_]|\\.\\d)"),
              (text, start, end) ->
                  InternetAddresses.isPublicV4(text.substring(start, end)) ? end : -1);
      case IPV6 ->
          new Detector(
              kind,
              ':',
              "[IP]",
              Pattern.compile("(?<![A-Za-z0-9_:.])[0-9A-Fa-f:]{3,39}(?![A-Za-z0-9_:])"),
              (text, start, end) ->
                  InternetAddresses.isPublicV6(text.substring(start, end)) ? end : -1);
    };
  }

  /** The text with marks in place of personal data. */
  String mask(String text, Counters counters) {
    String result = text;
    boolean digit = hasDigit(text);
    for (Detector detector : detectors) {
      boolean possible = detector.mark() == 0 ? digit : text.indexOf(detector.mark()) >= 0;
      if (possible) {
        result = mask(result, detector, counters);
      }
    }
    return result;
  }

  private static String mask(String text, Detector detector, Counters counters) {
    Matcher matcher = detector.pattern().matcher(text);
    StringBuilder masked = null;
    int copied = 0;
    int found = 0;
    int from = 0;
    while (matcher.find(from)) {
      int end = detector.ends().of(text, matcher.start(), matcher.end());
      if (end < 0) {
        from = matcher.start() + 1;
        continue;
      }
      masked = masked == null ? new StringBuilder(text.length()) : masked;
      masked.append(text, copied, matcher.start()).append(detector.placeholder());
      copied = end;
      from = end;
      found++;
    }
    if (masked == null) {
      return text;
    }
    counters.add("masked." + detector.kind().name().toLowerCase(Locale.ROOT), found);
    return masked.append(text, copied, text.length()).toString();
  }

  private static boolean hasDigit(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) >= '0' && text.charAt(i) <= '9') {
        return true;
      }
    }
    return false;
  }
}
