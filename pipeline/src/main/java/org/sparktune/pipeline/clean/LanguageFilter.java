package org.sparktune.pipeline.clean;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.clean.LanguageIdentifier.Guess;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.RejectReason;

/** Keeps text in some languages; what it found is counted by language. */
final class LanguageFilter implements TextFilter {
  /** What identification calls languages that ISO 639-2 has one code for. */
  private static final Map<String, List<String>> VARIANTS =
      Map.of(
          "zho", List.of("cmn"),
          "est", List.of("ekk", "est"),
          "lav", List.of("lav", "lvs"),
          "fas", List.of("fas", "pes"),
          "mlg", List.of("plt"),
          "nor", List.of("nob", "nno"),
          "pan", List.of("pan", "pnb"));

  private final LanguageIdentifier identifier = new LanguageIdentifier();
  private final Set<String> wanted = new TreeSet<>();
  private final double minimumConfidence;

  /**
   * @param languages ISO 639 codes of two or three letters
   * @param minimumConfidence less certain text is refused
   * @throws SparktuneException {@link ErrorCode#UNSUPPORTED} for a language that cannot be told
   */
  LanguageFilter(List<String> languages, double minimumConfidence) {
    this.minimumConfidence = minimumConfidence;
    Set<String> supported = LanguageIdentifier.supported();
    for (String language : languages) {
      String code =
          language.length() == 2 ? Locale.forLanguageTag(language).getISO3Language() : language;
      List<String> codes = VARIANTS.getOrDefault(code, List.of(code));
      if (!supported.containsAll(codes)) {
        throw new SparktuneException(
            ErrorCode.UNSUPPORTED,
            "The language " + language + " cannot be told from others.",
            "Known are " + String.join(", ", supported) + ".");
      }
      wanted.addAll(codes);
    }
  }

  @Override
  public void check(String text, Counters counters) throws RejectException {
    Guess guess = identifier.identify(text);
    counters.add("language." + guess.language(), 1);
    if (!wanted.contains(guess.language())) {
      throw new RejectException(RejectReason.LANGUAGE, "it is " + said(guess));
    }
    if (guess.confidence() < minimumConfidence) {
      throw new RejectException(
          RejectReason.LANGUAGE, "it is " + said(guess) + ", less than " + minimumConfidence);
    }
  }

  private static String said(Guess guess) {
    return String.format(
        Locale.ROOT, "%s with confidence %.2f", guess.language(), guess.confidence());
  }
}
