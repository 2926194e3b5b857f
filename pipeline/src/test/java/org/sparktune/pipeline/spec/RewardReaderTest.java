package org.sparktune.pipeline.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.PairOptions.Balance;
import org.sparktune.pipeline.spec.PairOptions.Rating;
import org.sparktune.pipeline.spec.PairOptions.Strategy;
import org.sparktune.pipeline.spec.RewardOptions.By;
import org.sparktune.pipeline.spec.RewardOptions.Method;

class RewardReaderTest {
  private static final String HEAD =
      """
      name: data
      output: out
      tasks:
        - name: data
          task_type: prepare
          base_model: base.gguf
          dataset:
            sources: [{path: raw.jsonl, name: math}, raw.jsonl]
      """;

  @TempDir Path folder;

  @BeforeEach
  void writeInputs() throws IOException {
    Files.writeString(folder.resolve("base.gguf"), "model");
    Files.writeString(folder.resolve("raw.jsonl"), "{}");
  }

  private DatasetOptions load(String lines) throws IOException {
    Path file = folder.resolve("spec.yaml");
    Files.writeString(file, HEAD + lines.indent(6));
    TaskSpec spec =
        SpecLoader.load(file, new SpecLoader.Request(List.of(), null, true, folder)).spec();
    return ((Task.Prepare) spec.task("data")).dataset();
  }

  private List<String> problems(String lines) {
    return assertThrows(SpecException.class, () -> load(lines)).problems().stream()
        .map(problem -> problem.location().line() + ": " + problem.message())
        .toList();
  }

  @Test
  void shouldTakeScoresAndPairsAsTheyComeUnlessAsked() throws IOException {
    DatasetOptions options = load("");
    assertEquals(Kind.SFT, options.kind());
    assertFalse(options.rewards().active());
    assertFalse(options.pairs().active());
    assertEquals(
        List.of("math", "raw.jsonl"),
        options.sources().stream().map(DatasetOptions.Source::name).toList());
  }

  @Test
  void shouldImplyTheKind() throws IOException {
    DatasetOptions rewards = load("rewards: {}");
    assertEquals(Kind.REWARD, rewards.kind());
    assertEquals(RewardOptions.of(Method.Z_SCORE, By.SOURCE), rewards.rewards());
    DatasetOptions pairs = load("rewards: {normalize: rank}\npairs: {}");
    assertEquals(Kind.PREFERENCE, pairs.kind());
    assertEquals(PairOptions.of(Strategy.BEST_WORST, 1), pairs.pairs());
    assertEquals(4, load("pairs: {strategy: top_k}").pairs().maxPairs());
  }

  @Test
  void shouldReadEveryOption() throws IOException {
    DatasetOptions options =
        load(
            """
            kind: preference
            rewards:
              normalize: quantile
              by: group
              range: [-3, 2.5]
              quantiles: [0.05, 0.9]
              statistics: .
            pairs:
              strategy: temperature
              max_pairs: 7
              min_margin: 0.25
              temperature: 0.5
              rating: elo
              balance: [source, length]
            """);
    assertEquals(
        new RewardOptions(Method.QUANTILE, By.GROUP, -3, 2.5, 0.05, 0.9, folder.toString()),
        options.rewards());
    assertEquals(
        new PairOptions(
            Strategy.TEMPERATURE,
            7,
            0.25,
            0.5,
            Rating.ELO,
            List.of(Balance.SOURCE, Balance.LENGTH)),
        options.pairs());
  }

  @Test
  void shouldTellEveryWrongValueWithItsPlace() {
    List<String> problems =
        problems(
            """
            rewards:
              normalize: zscore
              range: [1, -1]
              quantiles: [0.5, 1.5]
            pairs:
              strategy: best_worst
              max_pairs: 3
              temperature: 2
              balance: [len]
            """);
    String all = String.join("\n", problems);
    assertEquals(7, problems.size(), all);
    for (String part :
        List.of(
            "10: 'zscore' is not a valid 'normalize'",
            "11: 'range' is not a lower and a higher number.",
            "12: 'quantiles' is 1.5; it must be from 0 to 1.",
            "12: 'quantiles' means nothing to the method 'z_score'.",
            "15: 'max_pairs' means nothing to the strategy 'best_worst'",
            "16: 'temperature' means nothing to the strategy 'best_worst'.",
            "17: 'len' is not a valid 'balance'")) {
      assertTrue(all.contains(part), part + " in\n" + all);
    }
    assertEquals(
        List.of("9: 'rewards' means nothing to a dataset of kind sft without 'pairs'."),
        problems("rewards: {}\nkind: sft").stream().map(text -> "9" + text.substring(1)).toList());
    assertTrue(problems("kind: reward\npairs: {}").get(0).contains("dataset of kind reward"));
    assertTrue(problems("pairs: {strategy: margin}").get(0).contains("no 'min_margin'"));
  }

  @Test
  void shouldReadACurriculum() throws IOException {
    assertFalse(load("").curriculum().active());
    assertTrue(load("").shuffle());
    DatasetOptions longest = load("curriculum: {by: length, order: descending}");
    assertEquals(new CurriculumOptions(CurriculumOptions.By.LENGTH, true), longest.curriculum());
    assertFalse(longest.shuffle());
    assertTrue(
        load("kind: reward\ncurriculum: {by: score}").curriculum().active(),
        "kinds have what they are ordered by");
    assertTrue(problems("curriculum: {by: score}").get(0).contains("kind reward"));
    assertTrue(problems("curriculum: {by: margin}").get(0).contains("kind preference"));
    assertTrue(problems("shuffle: true\ncurriculum: {by: length}").get(0).contains("two orders"));
    assertTrue(problems("curriculum: {order: ascending}").get(0).contains("'by'"));
  }

  @Test
  void shouldReadHowSourcesAreMixed() throws IOException {
    assertFalse(load("").mix().active());
    assertEquals(
        new MixOptions(2, Map.of("math", 0.5), Map.of("raw.jsonl", 100)),
        load("mix: {temperature: 2, weights: {math: 0.5}, caps: {raw.jsonl: 100}}").mix());
    assertEquals(
        List.of("9: 'weights' names 'meth', which is no source."),
        problems("mix: {weights: {meth: 2}}"));
    assertTrue(problems("pairs: {}\nmix: {temperature: 2}").get(0).contains("not supported"));
  }
}
