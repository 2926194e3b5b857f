package org.sparktune.pipeline.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.pipeline.spec.CleanOptions.FilterSet;
import org.sparktune.pipeline.spec.CleanOptions.PersonalData;
import org.sparktune.pipeline.spec.CleanOptions.UnicodeForm;
import org.sparktune.pipeline.spec.CleanOptions.Whitespace;

class CurationReaderTest {
  private static final String HEAD =
      """
      name: data
      output: out
      tasks:
        - name: data
          task_type: prepare
          base_model: base.gguf
          dataset:
            sources: [raw.jsonl]
      """;

  @TempDir Path folder;

  @BeforeEach
  void writeInputs() throws IOException {
    Files.writeString(folder.resolve("base.gguf"), "model");
    Files.writeString(folder.resolve("raw.jsonl"), "{}");
    Files.writeString(folder.resolve("words.txt"), "darn");
  }

  private DatasetOptions load(String curation) throws IOException {
    Path file = folder.resolve("spec.yaml");
    Files.writeString(file, HEAD + curation.indent(6));
    TaskSpec spec =
        SpecLoader.load(file, new SpecLoader.Request(List.of(), null, true, folder)).spec();
    return ((Task.Prepare) spec.task("data")).dataset();
  }

  private List<String> problems(String curation) {
    return assertThrows(SpecException.class, () -> load(curation)).problems().stream()
        .map(problem -> problem.location().line() + ": " + problem.message() + " " + problem.hint())
        .toList();
  }

  @Test
  void shouldDoNothingUnlessAsked() throws IOException {
    DatasetOptions options = load("");
    assertEquals(CleanOptions.NONE, options.clean());
    assertEquals(DeduplicateOptions.NONE, options.deduplicate());
    assertEquals(DecontaminateOptions.NONE, options.decontaminate());
    assertTrue(!options.deduplicate().active() && !options.decontaminate().active());
    assertEquals(CleanOptions.NONE, load("clean: {}").clean());
  }

  @Test
  void shouldReadEveryOption() throws IOException {
    DatasetOptions options =
        load(
            """
            clean:
              unicode: nfkc
              mojibake: true
              html: true
              control_characters: true
              whitespace: collapse
              filters: [gopher, fineweb]
              thresholds: {min_words: 10, max_short_lines: 0.5}
              languages: [en, zh]
              min_language_confidence: 0.5
              pii: [email, ipv6]
              blocklist: words.txt
            deduplicate:
              exact: false
              fuzzy: {threshold: 0.7, permutations: 256, ngram: 3}
              against: [raw.jsonl]
              fingerprints: true
            decontaminate: {against: raw.jsonl, ngram: 8}
            """);
    String raw = folder.resolve("raw.jsonl").toString();
    assertEquals(
        new CleanOptions(
            UnicodeForm.NFKC,
            true,
            true,
            true,
            Whitespace.COLLAPSE,
            List.of(FilterSet.GOPHER, FilterSet.FINEWEB),
            Map.of(FilterThreshold.MIN_WORDS, 10.0, FilterThreshold.MAX_SHORT_LINES, 0.5),
            List.of("en", "zh"),
            0.5,
            List.of(PersonalData.EMAIL, PersonalData.IPV6),
            folder.resolve("words.txt").toString()),
        options.clean());
    assertEquals(
        new DeduplicateOptions(false, true, 0.7, 256, 3, List.of(raw), true),
        options.deduplicate());
    assertEquals(new DecontaminateOptions(List.of(raw), 8), options.decontaminate());
  }

  @Test
  void shouldHaveShortForms() throws IOException {
    DatasetOptions options = load("clean: {pii: all, filters: c4}\ndeduplicate: {fuzzy: true}");
    assertEquals(List.of(PersonalData.values()), options.clean().personal());
    assertEquals(List.of(FilterSet.C4), options.clean().filters());
    assertEquals(
        new DeduplicateOptions(true, true, 0.8, 128, 5, List.of(), false), options.deduplicate());
    assertEquals(10, options.clean().threshold(FilterThreshold.MAX_MEAN_WORD_LENGTH));
  }

  @Test
  void shouldTellEveryWrongValueWithItsPlace() {
    List<String> problems =
        problems(
            """
            clean:
              unicode: nfx
              filters: [gofer]
              thresholds: {min_word: 3, min_sentences: 2}
              languages: [en, eng, xq]
              pii: [emial]
              blocklist: none.txt
              mojibak: true
            deduplicate:
              exact: false
              fuzzy: {threshold: 1.5, ngrams: 3}
            decontaminate: {ngram: 0}
            """);
    String all = String.join("\n", problems);
    assertEquals(12, problems.size(), all);
    for (String part :
        List.of(
            "10: 'nfx' is not a valid 'unicode'; it is one of none, nfc, nfkc. Did you mean 'nfc'?",
            "11: 'gofer' is not a valid 'filters'; it is one of gopher, c4, fineweb. Did you mean 'gopher'?",
            "12: Thresholds has no option 'min_word'. Did you mean 'min_words'?",
            "12: 'min_sentences' belongs to the filter 'c4', which is not in 'filters'.",
            "13: 'xq' is not the ISO 639 code of a language.",
            "14: 'emial' is not a valid 'pii'",
            "15: The 'blocklist' 'none.txt' does not exist",
            "16: Clean has no option 'mojibak'. Did you mean 'mojibake'?",
            "19: 'threshold' is 1.5; it must be above 0 and at most 1.",
            "19: Fuzzy has no option 'ngrams'. Did you mean 'ngram'?",
            "20: Decontaminate has no 'against'. Add it.",
            "20: 'ngram' is 0; it must be 1 to 100.")) {
      assertTrue(all.contains(part), part + " in\n" + all);
    }
  }

  @Test
  void shouldRefuseWhatDoesNothing() {
    assertEquals(
        List.of(
            "10: 'deduplicate' with neither 'exact' nor 'fuzzy' does nothing. Turn one of them on, or remove 'deduplicate'."),
        problems("deduplicate:\n  exact: false"));
    assertTrue(
        problems("clean: {min_language_confidence: 0.9}").get(0).contains("without 'languages'"));
  }
}
