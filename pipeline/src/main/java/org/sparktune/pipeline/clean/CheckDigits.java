package org.sparktune.pipeline.clean;

import java.util.HashMap;
import java.util.Map;

/** The check digits of payment cards (ISO/IEC 7812, Luhn) and bank accounts (ISO 13616, mod 97). */
final class CheckDigits {
  private static final int SHORTEST_CARD = 13;
  private static final int LONGEST_CARD = 19;

  /** The lengths of account numbers by country, from the IBAN registry. */
  private static final Map<String, Integer> IBAN_LENGTHS =
      lengths(
          "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28"
              + " EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23"
              + " IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22"
              + " MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24"
              + " SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20");

  private CheckDigits() {}

  private static Map<String, Integer> lengths(String registry) {
    Map<String, Integer> lengths = new HashMap<>();
    for (String entry : registry.split(" ", -1)) {
      lengths.put(entry.substring(0, 2), Integer.valueOf(entry.substring(2)));
    }
    return lengths;
  }

  /** Whether digits, possibly with separators, are the number of a payment card. */
  static boolean isCard(String written) {
    int sum = 0;
    int digits = 0;
    int first = 0;
    boolean same = true;
    for (int i = written.length() - 1; i >= 0; i--) {
      int digit = written.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        continue;
      }
      same &= digits == 0 || digit == first;
      first = digit;
      int doubled = digits % 2 == 1 ? digit * 2 : digit;
      sum += doubled > 9 ? doubled - 9 : doubled;
      digits++;
    }
    // 2 to 6 are the first digits of the issuers of payment cards.
    boolean issued = first >= 2 && first <= 6;
    return digits >= SHORTEST_CARD && digits <= LONGEST_CARD && issued && !same && sum % 10 == 0;
  }

  /** Where the bank account number that begins here ends, or -1 when there is none. */
  static int ibanEnd(String text, int start) {
    Integer length = IBAN_LENGTHS.get(text.substring(start, start + 2));
    if (length == null) {
      return -1;
    }
    StringBuilder compact = new StringBuilder(length);
    int end = start;
    while (end < text.length() && compact.length() < length) {
      char c = text.charAt(end);
      boolean blank = c == ' ' && compact.length() % 4 == 0;
      boolean part = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
      if (!blank && !part) {
        return -1;
      }
      if (part) {
        compact.append(c);
      }
      end++;
    }
    boolean goesOn = end < text.length() && Character.isLetterOrDigit(text.charAt(end));
    return compact.length() == length && !goesOn && remainder(compact) == 1 ? end : -1;
  }

  /** Of the number whose first four characters stand at its end and whose letters are 10 to 35. */
  private static int remainder(CharSequence account) {
    int remainder = 0;
    for (int i = 0; i < account.length(); i++) {
      int value = Character.digit(account.charAt((i + 4) % account.length()), 36);
      remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
    }
    return remainder;
  }
}
