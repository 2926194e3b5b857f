package org.sparktune.pipeline.clean;

import java.io.IOException;
import java.io.InputStream;
import java.lang.Character.UnicodeScript;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import opennlp.tools.langdetect.LanguageDetectorModel;
import opennlp.tools.ml.model.MaxentModel;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Tells the language of a text: first by its script, which decides for most, then among the
 * languages of that script by OpenNLP's model. The model's own probabilities are far too flat for
 * short texts; they are sharpened so that a confidence of 0.65 means about what it should (see
 * {@code docs/experiments.md}).
 */
final class LanguageIdentifier {
  /** No language: the text has no letters. */
  static final String UNDETERMINED = "und";

  private static final String MODEL = "/langdetect-183.bin";

  /** More text makes the answer hardly better, but slower. */
  private static final int CHARACTERS = 300;

  private static final double SHARPNESS = 6;
  private static final int LONGEST_RUN = 3;

  /** The share of kana from which Chinese characters are Japanese. */
  private static final double KANA_SHARE = 0.1;

  /** A Chinese character says as much as so many letters. */
  private static final int IDEOGRAPH_WEIGHT = 3;

  private static final Map<UnicodeScript, Set<String>> LANGUAGES = languages();

  private final MaxentModel model = Model.INSTANCE;

  /**
   * What a text is likely to be.
   *
   * @param language ISO 639-3 code
   * @param confidence from 0 to 1
   */
  record Guess(String language, double confidence) {}

  /** The model, read once in a JVM. */
  private static final class Model {
    static final MaxentModel INSTANCE = load();

    private static MaxentModel load() {
      try (InputStream in = LanguageIdentifier.class.getResourceAsStream(MODEL)) {
        if (in == null) {
          throw new SparktuneException(
              ErrorCode.UNSUPPORTED,
              "The model that tells languages is not on the class path.",
              "Add opennlp-models-langdetect, or remove 'languages'.");
        }
        return new LanguageDetectorModel(in).getMaxentModel();
      } catch (IOException e) {
        throw new IllegalStateException("A part of this program cannot be read", e);
      }
    }
  }

  private static Map<UnicodeScript, Set<String>> languages() {
    Map<UnicodeScript, Set<String>> languages = new EnumMap<>(UnicodeScript.class);
    languages.put(
        UnicodeScript.LATIN,
        Set.of(
            "afr", "ast", "aze", "bos", "bre", "cat", "ceb", "ces", "cym", "dan", "deu", "ekk",
            "eng", "epo", "est", "eus", "fao", "fin", "fra", "fry", "gle", "glg", "gsw", "hrv",
            "hun", "ind", "isl", "ita", "jav", "lat", "lav", "lim", "lit", "ltz", "lvs", "min",
            "mlt", "mri", "msa", "nan", "nds", "nld", "nno", "nob", "oci", "plt", "pol", "por",
            "ron", "slk", "slv", "som", "spa", "sqi", "sun", "swa", "swe", "tgl", "tur", "uzb",
            "vie", "vol", "war", "zul"));
    languages.put(
        UnicodeScript.CYRILLIC,
        Set.of("bak", "bel", "bul", "kaz", "kir", "mkd", "mon", "rus", "srp", "tat", "tgk", "ukr"));
    languages.put(UnicodeScript.ARABIC, Set.of("ara", "fas", "pes", "pnb", "urd"));
    languages.put(UnicodeScript.DEVANAGARI, Set.of("hin", "mar", "nep", "san"));
    languages.put(UnicodeScript.HAN, Set.of("cmn"));
    languages.put(UnicodeScript.HIRAGANA, Set.of("jpn"));
    languages.put(UnicodeScript.HANGUL, Set.of("kor"));
    languages.put(UnicodeScript.THAI, Set.of("tha"));
    languages.put(UnicodeScript.HEBREW, Set.of("heb"));
    languages.put(UnicodeScript.GREEK, Set.of("ell"));
    languages.put(UnicodeScript.ARMENIAN, Set.of("hye"));
    languages.put(UnicodeScript.GEORGIAN, Set.of("kat"));
    languages.put(UnicodeScript.TAMIL, Set.of("tam"));
    languages.put(UnicodeScript.TELUGU, Set.of("tel"));
    languages.put(UnicodeScript.KANNADA, Set.of("kan"));
    languages.put(UnicodeScript.MALAYALAM, Set.of("mal"));
    languages.put(UnicodeScript.GUJARATI, Set.of("guj"));
    languages.put(UnicodeScript.GURMUKHI, Set.of("pan"));
    languages.put(UnicodeScript.BENGALI, Set.of("ben"));
    languages.put(UnicodeScript.SINHALA, Set.of("sin"));
    return languages;
  }

  /** All languages that it knows. */
  static Set<String> supported() {
    Set<String> all = new TreeSet<>();
    LANGUAGES.values().forEach(all::addAll);
    return all;
  }

  /** The language of a text. */
  Guess identify(String text) {
    String head = text.substring(0, Math.min(CHARACTERS, text.length()));
    Map<UnicodeScript, Integer> weights = scripts(head);
    UnicodeScript script = null;
    int total = 0;
    for (Map.Entry<UnicodeScript, Integer> entry : weights.entrySet()) {
      total += entry.getValue();
      if (script == null || entry.getValue() > weights.get(script)) {
        script = entry.getKey();
      }
    }
    if (script == null) {
      return new Guess(UNDETERMINED, 0);
    }
    Set<String> candidates = LANGUAGES.getOrDefault(script, Set.of(UNDETERMINED));
    if (candidates.size() == 1) {
      return new Guess(candidates.iterator().next(), (double) weights.get(script) / total);
    }
    return among(candidates, head);
  }

  private static Map<UnicodeScript, Integer> scripts(String text) {
    Map<UnicodeScript, Integer> weights = new EnumMap<>(UnicodeScript.class);
    int kana = 0;
    int han = 0;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      if (!Character.isLetter(c)) {
        continue;
      }
      UnicodeScript script = UnicodeScript.of(c);
      if (script == UnicodeScript.HIRAGANA || script == UnicodeScript.KATAKANA) {
        kana += IDEOGRAPH_WEIGHT;
      } else if (script == UnicodeScript.HAN) {
        han += IDEOGRAPH_WEIGHT;
      } else if (script != UnicodeScript.COMMON && script != UnicodeScript.INHERITED) {
        weights.merge(script, 1, Integer::sum);
      }
    }
    if (han + kana > 0) {
      boolean japanese = kana >= KANA_SHARE * (han + kana);
      weights.put(japanese ? UnicodeScript.HIRAGANA : UnicodeScript.HAN, han + kana);
    }
    return weights;
  }

  private Guess among(Set<String> candidates, String text) {
    double[] probabilities = model.eval(runsOfLetters(text));
    int best = -1;
    double total = 0;
    for (int i = 0; i < probabilities.length; i++) {
      if (candidates.contains(model.getOutcome(i))) {
        total += sharpened(probabilities[i]);
        best = best < 0 || probabilities[i] > probabilities[best] ? i : best;
      }
    }
    return best < 0 || total == 0
        ? new Guess(UNDETERMINED, 0)
        : new Guess(model.getOutcome(best), sharpened(probabilities[best]) / total);
  }

  /**
   * What the model was trained on: the different runs of one to three letters, with one blank for
   * all that is none. OpenNLP's own generator gives the same but for URLs and the like, in twice
   * the time.
   */
  private static String[] runsOfLetters(String text) {
    StringBuilder letters = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean letter = Character.isLetter(c) || Character.getType(c) == Character.NON_SPACING_MARK;
      boolean second = !letters.isEmpty() && letters.charAt(letters.length() - 1) == ' ';
      if (letter) {
        letters.append(Character.toLowerCase(c));
      } else if (!second) {
        letters.append(' ');
      }
    }
    // In the order of the text: sums of floating-point numbers depend on it.
    Set<String> runs = new LinkedHashSet<>();
    for (int length = 1; length <= LONGEST_RUN; length++) {
      for (int i = 0; i + length <= letters.length(); i++) {
        runs.add(letters.substring(i, i + length));
      }
    }
    return runs.toArray(String[]::new);
  }

  private static double sharpened(double probability) {
    return StrictMath.pow(probability, SHARPNESS);
  }
}
