package org.sparktune.pipeline.spec;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.sparktune.pipeline.spec.CleanOptions.FilterSet;
import org.sparktune.pipeline.spec.CleanOptions.PersonalData;
import org.sparktune.pipeline.spec.CleanOptions.UnicodeForm;
import org.sparktune.pipeline.spec.CleanOptions.Whitespace;
import org.sparktune.pipeline.spec.SpecNode.Mapping;
import org.sparktune.pipeline.spec.SpecNode.Scalar;

/** Reads what is done to a dataset's records: {@code clean}, {@code deduplicate} and others. */
final class CurationReader {
  private static final String ALL = "all";

  private CurationReader() {}

  /** The group {@code clean} of a dataset. */
  static CleanOptions clean(MappingReader dataset) {
    if (!dataset.has("clean")) {
      return CleanOptions.NONE;
    }
    MappingReader reader = dataset.mappingOrEmpty("clean");
    List<FilterSet> filters = reader.words("filters", FilterSet.class);
    CleanOptions options =
        new CleanOptions(
            reader.word("unicode", UnicodeForm.NONE),
            reader.flag("mojibake", false),
            reader.flag("html", false),
            reader.flag("control_characters", false),
            reader.word("whitespace", Whitespace.KEEP),
            filters,
            thresholds(reader, filters),
            languages(reader),
            reader.decimal(
                "min_language_confidence", CleanOptions.DEFAULT_LANGUAGE_CONFIDENCE, Range.UNIT),
            personal(reader),
            reader.inputPath("blocklist"));
    if (reader.has("min_language_confidence") && options.languages().isEmpty()) {
      reader.problem(
          "min_language_confidence",
          "'min_language_confidence' means nothing without 'languages'.",
          "Name the languages to keep, or remove it.");
    }
    reader.finish();
    return options;
  }

  private static Map<FilterThreshold, Double> thresholds(
      MappingReader clean, List<FilterSet> filters) {
    MappingReader reader = clean.mappingOrEmpty("thresholds");
    Map<FilterThreshold, Double> values = new EnumMap<>(FilterThreshold.class);
    for (FilterThreshold threshold : FilterThreshold.values()) {
      String word = threshold.word();
      if (reader.has(word)) {
        Range range = threshold.published() > 1 ? Range.NOT_NEGATIVE : Range.UNIT;
        values.put(threshold, reader.decimal(word, threshold.published(), range));
        if (!filters.contains(threshold.set())) {
          String set = threshold.set().name().toLowerCase(Locale.ROOT);
          reader.problem(
              word,
              "'%s' belongs to the filter '%s', which is not in 'filters'.".formatted(word, set),
              "Add it to 'filters', or remove the threshold.");
        }
      }
    }
    reader.finish();
    return values;
  }

  private static List<String> languages(MappingReader reader) {
    List<String> languages = reader.texts("languages");
    Set<String> known = null;
    for (String language : languages) {
      known = known == null ? languageCodes() : known;
      if (!known.contains(language)) {
        reader.problem(
            "languages",
            "'%s' is not the ISO 639 code of a language.".formatted(language),
            NearestWord.find(language, known)
                .map(word -> "Did you mean '" + word + "'?")
                .orElse("Write codes such as en, zh or deu."));
      }
    }
    return languages;
  }

  private static Set<String> languageCodes() {
    Set<String> codes = new TreeSet<>();
    for (String code : Locale.getISOLanguages()) {
      codes.add(code);
      codes.add(Locale.forLanguageTag(code).getISO3Language());
    }
    // What identifiers call Mandarin, and what their models tell apart from Estonian and Latvian.
    codes.addAll(List.of("cmn", "ekk", "lvs", "pes", "plt", "pnb"));
    return codes;
  }

  private static List<PersonalData> personal(MappingReader reader) {
    return reader.node("pii") instanceof Scalar scalar && scalar.text().equals(ALL)
        ? List.of(PersonalData.values())
        : reader.words("pii", PersonalData.class);
  }

  /** The group {@code deduplicate} of a dataset. */
  static DeduplicateOptions deduplicate(MappingReader dataset) {
    if (!dataset.has("deduplicate")) {
      return DeduplicateOptions.NONE;
    }
    MappingReader reader = dataset.mappingOrEmpty("deduplicate");
    boolean nested = reader.node("fuzzy") instanceof Mapping;
    MappingReader fuzzy = nested ? reader.mapping("fuzzy") : reader.emptyMapping("fuzzy");
    DeduplicateOptions options =
        new DeduplicateOptions(
            reader.flag("exact", true),
            nested || reader.flag("fuzzy", false),
            fuzzy.decimal("threshold", DeduplicateOptions.DEFAULT_THRESHOLD, Range.SHARE),
            (int) fuzzy.integer("permutations", DeduplicateOptions.DEFAULT_PERMUTATIONS, 16, 1024),
            (int) fuzzy.integer("ngram", DeduplicateOptions.DEFAULT_NGRAM, 1, 100),
            inputPaths(reader),
            reader.flag("fingerprints", false),
            reader.flag("versions", false));
    fuzzy.finish();
    if (!options.active()) {
      reader.problem(
          "exact",
          "'deduplicate' with neither 'exact' nor 'fuzzy' does nothing.",
          "Turn one of them on, or remove 'deduplicate'.");
    }
    reader.finish();
    return options;
  }

  /** The group {@code decontaminate} of a dataset. */
  static DecontaminateOptions decontaminate(MappingReader dataset) {
    if (!dataset.has("decontaminate")) {
      return DecontaminateOptions.NONE;
    }
    MappingReader reader = dataset.mappingOrEmpty("decontaminate");
    reader.require("against");
    DecontaminateOptions options =
        new DecontaminateOptions(
            inputPaths(reader),
            (int) reader.integer("ngram", DecontaminateOptions.DEFAULT_NGRAM, 1, 100));
    reader.finish();
    return options;
  }

  private static List<String> inputPaths(MappingReader reader) {
    List<String> paths = new ArrayList<>();
    for (SpecNode item : reader.items("against")) {
      if (item instanceof Scalar scalar && !scalar.isNull()) {
        paths.add(reader.inputPath(scalar, "against"));
      } else {
        reader.wrongType("against", "a list of paths", item);
      }
    }
    return List.copyOf(paths);
  }
}
