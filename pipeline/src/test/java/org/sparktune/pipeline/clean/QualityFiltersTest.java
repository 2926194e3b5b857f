package org.sparktune.pipeline.clean;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.RejectReason;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleStage;
import org.sparktune.pipeline.spec.CleanOptions;
import org.sparktune.pipeline.spec.CleanOptions.FilterSet;
import org.sparktune.pipeline.spec.CleanOptions.UnicodeForm;
import org.sparktune.pipeline.spec.CleanOptions.Whitespace;
import org.sparktune.pipeline.spec.FilterThreshold;
import org.sparktune.pipeline.text.Words;

class QualityFiltersTest {
  /** 63 words in five sentences, no two the same. */
  private static final String GOOD =
      """
      The river that runs past our village begins in the hills to the north.
      In spring it is wide and brown, and children are told to keep away from it.
      Farmers have drawn water from its upper course for as long as anyone can remember.
      A mill with a wooden wheel stood there once, but only the foundations are left today.
      Walkers stop beside them, eat their bread, and wonder who lived here.
      """;

  private static CleanOptions options(
      FilterSet set, Map<FilterThreshold, Double> thresholds, List<String> languages) {
    return new CleanOptions(
        UnicodeForm.NONE,
        false,
        false,
        false,
        Whitespace.KEEP,
        set == null ? List.of() : List.of(set),
        thresholds,
        languages,
        0.5,
        List.of(),
        null);
  }

  private static Sample run(CleanOptions options, String text, Counters counters)
      throws RejectException {
    Sample sample = new Sample.Text(text);
    for (SampleStage stage : Cleaning.stages(options, List.of())) {
      sample = stage.apply(sample, counters);
    }
    return sample;
  }

  private static void assertRejects(FilterSet set, String rule, String text) {
    Counters counters = new Counters();
    RejectException e =
        assertThrows(
            RejectException.class,
            () -> run(options(set, Map.of(), List.of()), text, counters),
            rule);
    assertTrue(e.reason().filtered());
    assertEquals(set.name(), e.reason().name());
    String counter = "filtered." + set.name().toLowerCase(java.util.Locale.ROOT) + "." + rule;
    assertEquals(1L, counters.counts().get(counter), rule + ": " + e.getMessage());
  }

  private static String words(int count, String pattern) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < count; i++) {
      text.append(pattern.formatted(i)).append(i % 10 == 9 ? "\n" : " ");
    }
    return text.toString();
  }

  /** As many unrelated words, each a line's end with some mark. */
  private static String letters(int number) {
    StringBuilder word = new StringBuilder();
    for (int rest = number + 30; rest > 0; rest /= 26) {
      word.append((char) ('a' + rest % 26));
    }
    return word.append("xyz").toString();
  }

  @Test
  void shouldKeepGoodProse() throws RejectException {
    for (FilterSet set : FilterSet.values()) {
      Sample kept = run(options(set, Map.of(), List.of()), GOOD, new Counters());
      assertEquals(GOOD.strip(), ((Sample.Text) kept).text().strip(), set.name());
    }
  }

  @Test
  void shouldApplyGophersQualityRules() {
    assertRejects(FilterSet.GOPHER, "min_words", "the and too short");
    assertRejects(FilterSet.GOPHER, "max_words", words(100_001, "w%d"));
    assertRejects(FilterSet.GOPHER, "min_mean_word_length", "a be to of ".repeat(20));
    StringBuilder longWords = new StringBuilder("the of ");
    for (int i = 0; i < 60; i++) {
      longWords.append(letters(i)).append("internationalization ");
    }
    assertRejects(FilterSet.GOPHER, "max_mean_word_length", longWords.toString());
    assertRejects(FilterSet.GOPHER, "min_stop_words", words(60, "word%d"));
    assertRejects(FilterSet.GOPHER, "max_symbols_per_word", GOOD + "# ".repeat(9));
    assertRejects(FilterSet.GOPHER, "max_symbols_per_word", GOOD + "\u2026".repeat(9));
    assertRejects(FilterSet.GOPHER, "min_alphabetic_words", GOOD + " -- 12 34".repeat(12));
    assertRejects(FilterSet.GOPHER, "max_bullet_lines", GOOD.replaceAll("(?m)^(?=.)", "- "));
    assertRejects(
        FilterSet.GOPHER,
        "max_ellipsis_lines",
        GOOD.replaceFirst("\\.\n", "...\n").replaceFirst("it\\.\n", "it...\n"));
  }

  @Test
  void shouldApplyGophersRepetitionRules() {
    assertRejects(FilterSet.GOPHER, "max_duplicate_lines", GOOD + "Menu\n".repeat(4));
    String line = GOOD.lines().findFirst().orElseThrow();
    assertRejects(
        FilterSet.GOPHER,
        "max_duplicate_line_characters",
        GOOD + line + "\n" + line + "\nx\ny\nz\n");
    assertRejects(FilterSet.GOPHER, "max_top_2gram", GOOD + " buy cheap".repeat(12));
  }

  @Test
  void shouldCountCharactersOfRepeatedRunsOnce() {
    Words words = Words.of("a b c d e f a b c d e f");
    assertEquals(6.0 / 12, GopherRepetition.duplicate(words, 5), 1e-12);
    assertEquals(0, GopherRepetition.duplicate(words, 7));
    assertEquals(4.0 / 12, GopherRepetition.top(words, 2), 1e-12);
    assertEquals(0, GopherRepetition.top(Words.of("a b c"), 2));
  }

  @Test
  void shouldApplyC4sRules() throws RejectException {
    assertRejects(FilterSet.C4, "min_sentences", "This is one sentence only.");
    assertRejects(FilterSet.C4, "curly_bracket", GOOD + "Here is a bracket { for you.");
    assertRejects(FilterSet.C4, "lorem_ipsum", GOOD + "Now comes Lorem ipsum dolor sit amet.");
    Counters counters = new Counters();
    String page =
        GOOD
            + "Home | About | Contact\nToo short.\nPlease enable JavaScript to see this page.\n"
            + "Read our privacy policy to know what we do.\nWe trail off at the end of this line...\n"
            + "This was cited before[12], and it stays.\n";
    Sample kept = run(options(FilterSet.C4, Map.of(), List.of()), page, counters);
    assertEquals(GOOD + "This was cited before, and it stays.", ((Sample.Text) kept).text());
    assertEquals(5L, counters.counts().get("dropped.c4_lines"));
    RejectException nothing =
        assertThrows(
            RejectException.class,
            () -> run(options(FilterSet.C4, Map.of(), List.of()), "Menu\nHome", new Counters()));
    assertEquals(RejectReason.C4, nothing.reason());
  }

  @Test
  void shouldApplyFinewebsRules() {
    assertRejects(FilterSet.FINEWEB, "min_punctuated_lines", GOOD.replace(".\n", "\n"));
    StringBuilder menu = new StringBuilder();
    for (int i = 0; i < 20; i++) {
      menu.append(letters(i)).append(".\n");
    }
    assertRejects(FilterSet.FINEWEB, "max_short_lines", menu.toString());
    assertRejects(
        FilterSet.FINEWEB,
        "max_repeated_line_characters",
        GOOD + GOOD.lines().findFirst().orElseThrow());
  }

  @Test
  void shouldLetThresholdsBeReplaced() throws RejectException {
    Map<FilterThreshold, Double> few =
        Map.of(FilterThreshold.MIN_WORDS, 2.0, FilterThreshold.MIN_STOP_WORDS, 0.0);
    run(options(FilterSet.GOPHER, few, List.of()), "Hello world", new Counters());
    Map<FilterThreshold, Double> fineweb = Map.of(FilterThreshold.TERMINAL_PUNCTUATION, 0.0);
    String text = GOOD + "A line without its mark at the end";
    Sample kept = run(options(FilterSet.C4, fineweb, List.of()), text, new Counters());
    assertTrue(((Sample.Text) kept).text().endsWith("at the end"));
  }

  @Test
  void shouldJudgeChineseByCharacters() throws RejectException {
    String text =
        "这条河从村子旁边流过，发源于北方的山里。春天的时候河水又宽又浑，大人们叫孩子离远一点。农民一直用上游的水种地，谁也不记得从什么时候开始。那里曾经有一座磨坊，如今只剩地基。";
    run(options(FilterSet.GOPHER, Map.of(), List.of()), text, new Counters());
    run(options(FilterSet.FINEWEB, Map.of(), List.of()), text, new Counters());
    assertEquals(4, Lines.sentences(text));
  }

  @Test
  void shouldTellLanguages() throws RejectException {
    CleanOptions english = options(null, Map.of(), List.of("en", "zh"));
    Counters counters = new Counters();
    run(english, GOOD, counters);
    run(english, "这条河从村子旁边流过，发源于北方的山里。春天的时候河水又宽又浑，大人们叫孩子离远一点。", counters);
    RejectException e =
        assertThrows(
            RejectException.class,
            () ->
                run(
                    english,
                    "Der Fluss, der an unserem Dorf vorbeifließt, entspringt in den Hügeln im Norden, und im Frühling ist er breit.",
                    counters));
    assertEquals(RejectReason.LANGUAGE, e.reason());
    assertTrue(e.getMessage().startsWith("it is deu"), e.getMessage());
    assertEquals(
        Map.of("language.eng", 1L, "language.cmn", 1L, "language.deu", 1L), counters.counts());
  }

  @Test
  void shouldBlockWholeWordsAndPhrases() throws RejectException {
    Blocklist blocklist = new Blocklist(List.of("# a comment", "", "darn", "Very  Bad word", "坏话"));
    blocklist.check("Darning is very good. Bad word!", new Counters());
    for (String text : List.of("DARN!", "a very-bad word.", "他说坏话了")) {
      RejectException e =
          assertThrows(RejectException.class, () -> blocklist.check(text, new Counters()), text);
      assertEquals(RejectReason.BLOCKLIST, e.reason());
    }
  }
}
