package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.List;
import java.util.Map;

/**
 * What is done to the text of every record, and which records are filtered out. Everything is off
 * unless asked for.
 *
 * @param unicode the normal form that text is brought to
 * @param mojibake whether UTF-8 that was once read as Windows-1252 is read again
 * @param html whether tags are stripped and entities decoded
 * @param controlCharacters whether control characters, lone surrogates and byte order marks are
 *     removed
 * @param whitespace what happens to blanks
 * @param filters published sets of quality rules
 * @param thresholds values that replace those of the rules
 * @param languages ISO 639 codes of the languages that are kept; empty keeps all
 * @param minLanguageConfidence from 0 to 1; less certain records are filtered out
 * @param personal the kinds of personal data that are masked
 * @param blocklist a file of words and phrases, one a line, whose presence filters a record out;
 *     null if there is none
 */
public record CleanOptions(
    UnicodeForm unicode,
    boolean mojibake,
    boolean html,
    boolean controlCharacters,
    Whitespace whitespace,
    List<FilterSet> filters,
    Map<FilterThreshold, Double> thresholds,
    List<String> languages,
    double minLanguageConfidence,
    List<PersonalData> personal,
    String blocklist)
    implements Serializable {

  /** Certainty below which FineWeb (Penedo et al. 2024) drops a document. */
  public static final double DEFAULT_LANGUAGE_CONFIDENCE = 0.65;

  /** Nothing is cleaned. */
  public static final CleanOptions NONE =
      new CleanOptions(
          UnicodeForm.NONE,
          false,
          false,
          false,
          Whitespace.KEEP,
          List.of(),
          Map.of(),
          List.of(),
          DEFAULT_LANGUAGE_CONFIDENCE,
          List.of(),
          null);

  /** The value of a threshold: what was asked for, or what was published. */
  public double threshold(FilterThreshold threshold) {
    return thresholds.getOrDefault(threshold, threshold.published());
  }

  /** A Unicode normal form. */
  public enum UnicodeForm {
    /** Text stays as it is. */
    NONE,
    /** Canonical composition. */
    NFC,
    /** Compatibility composition: full-width letters, ligatures and the like become plain ones. */
    NFKC
  }

  /** What happens to blanks. */
  public enum Whitespace {
    /** Nothing. */
    KEEP,
    /**
     * Line ends become {@code \n}, exotic blanks plain ones; blanks at line ends and more than one
     * empty line in a row go.
     */
    TRIM,
    /** As {@code TRIM}, and runs of blanks within a line become one. Indentation stays. */
    COLLAPSE
  }

  /** Published sets of rules. */
  public enum FilterSet {
    /** Rae et al. 2021, table A1 and section A.1.1. */
    GOPHER,
    /** Raffel et al. 2020, section 2.2. */
    C4,
    /** The three rules that Penedo et al. 2024 add, section 3.6. */
    FINEWEB
  }

  /** What can be masked. */
  public enum PersonalData {
    /** E-mail addresses. */
    EMAIL,
    /** Telephone numbers. */
    PHONE,
    /** Payment cards, with Luhn's check digit. */
    CARD,
    /** International bank account numbers, with their check digits. */
    IBAN,
    /** Social security numbers of the United States. */
    SSN,
    /** Public IPv4 addresses. */
    IPV4,
    /** Public IPv6 addresses. */
    IPV6
  }
}
