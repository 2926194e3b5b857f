package org.sparktune.pipeline.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.reward.RewardStatistics;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.DatasetOptions.OnLong;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.pipeline.spec.DatasetOptions.Source;
import org.sparktune.pipeline.spec.DatasetOptions.TrainOn;
import org.sparktune.pipeline.spec.DatasetStages;
import org.sparktune.pipeline.spec.PairOptions;
import org.sparktune.pipeline.spec.PairOptions.Strategy;
import org.sparktune.pipeline.spec.RewardOptions;
import org.sparktune.pipeline.spec.RewardOptions.By;
import org.sparktune.pipeline.spec.RewardOptions.Method;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;

/** Kind reward, and pairs made of responses, from files to datasets. */
class ResponsePipelineTest {
  private static final LocalDateTime NOW = LocalDateTime.of(2024, 7, 4, 9, 5);
  private static String model;
  private static Tokenizer tokenizer;

  @TempDir Path folder;

  @BeforeAll
  static void loadModel() throws URISyntaxException {
    Path path = Path.of(ResponsePipelineTest.class.getResource("/model").toURI());
    model = path.toString();
    tokenizer = Tokenizers.load(path);
  }

  private Source write(String name, List<String> lines) throws IOException {
    Path file = Files.write(folder.resolve(name), lines);
    return new Source(file.toString(), Schema.AUTO, Map.of());
  }

  private static DatasetOptions dataset(
      Kind kind, RewardOptions rewards, PairOptions pairs, Source... sources) {
    return new DatasetOptions(
            kind,
            List.of(sources),
            64,
            true,
            true,
            0,
            0.5,
            TrainOn.ASSISTANT,
            "auto",
            OnLong.REJECT,
            true)
        .withStages(DatasetStages.NONE.withScores(rewards, pairs));
  }

  private DatasetManifest prepare(DatasetOptions dataset, String output, long pieceBytes) {
    PrepareOptions options =
        new PrepareOptions(dataset, folder.resolve(output).toString(), model, 7, 2, 1 << 22, NOW);
    return PreparePipeline.prepare(LocalSpark.session(), options, pieceBytes);
  }

  private DatasetManifest prepare(DatasetOptions dataset, String output) {
    return prepare(dataset, output, 1 << 20);
  }

  /** The text of every document with its label (of every second one for pairs), sorted. */
  private List<String> documents(DatasetManifest manifest, String output, String column)
      throws IOException {
    int documentsPerLabel = column.equals("pair_margins") ? 2 : 1;
    DatasetManifest.Split train = manifest.splits().get("train");
    List<StoredDataset.Row> rows = StoredDataset.rows(folder.resolve(output).toString(), train);
    List<List<Float>> labels =
        StoredDataset.floats(folder.resolve(output).toString(), train, column);
    List<String> documents = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      StoredDataset.Row row = rows.get(i);
      assertEquals(row.starts().size(), documentsPerLabel * labels.get(i).size());
      for (int j = 0; j < row.starts().size(); j += documentsPerLabel) {
        StringBuilder text = new StringBuilder();
        for (int d = j; d < j + documentsPerLabel; d++) {
          int end = d + 1 < row.starts().size() ? row.starts().get(d + 1) : row.ids().size();
          int[] ids =
              row.ids().subList(row.starts().get(d), end).stream()
                  .mapToInt(Integer::intValue)
                  .toArray();
          text.append(tokenizer.decode(ids, true)).append('|');
        }
        documents.add(text.toString() + labels.get(i).get(j / documentsPerLabel));
      }
    }
    Collections.sort(documents);
    return documents;
  }

  private static String scored(String prompt, String response, Object score) {
    return "{\"prompt\": \"%s\", \"response\": \"%s\", \"score\": %s}"
        .formatted(prompt, response, score);
  }

  @Test
  void shouldNormalizeScoresBySource() throws IOException {
    Source low = write("low.jsonl", List.of(scored("a", "x", 0), scored("a", "y", 10)));
    Source high =
        write(
            "high.jsonl",
            List.of(
                scored("a", "z", 100),
                scored("b", "x", 300),
                scored("b", "y", 200),
                scored("c", "x", "null"),
                scored("c", "y", "1e999"),
                scored("c", "z", "\"high\"")));
    RewardOptions rewards = RewardOptions.of(Method.MIN_MAX, By.SOURCE);
    DatasetManifest manifest =
        prepare(dataset(Kind.REWARD, rewards, PairOptions.NONE, low, high), "out");

    assertEquals("reward", manifest.kind());
    assertEquals(
        List.of("ax|-1.0", "ay|1.0", "az|-1.0", "bx|1.0", "by|0.0"),
        documents(manifest, "out", "document_scores"));
    assertEquals(Map.of("bad_score", 3L), manifest.rejects());
    assertEquals(List.of("*", "high.jsonl", "low.jsonl"), List.copyOf(manifest.scores().keySet()));
    DatasetManifest.Scores found = manifest.scores().get("high.jsonl");
    assertEquals(3, found.count());
    assertEquals(200, found.mean());
    assertEquals(Math.sqrt(20_000 / 3.0), found.standardDeviation(), 1e-9);
    assertEquals(100, found.medianDeviation());

    // The same statistics for other data; a group that is not known gets those of all.
    Source later = write("later.jsonl", List.of(scored("d", "x", 75), scored("d", "y", 900)));
    RewardOptions applied =
        new RewardOptions(
            Method.MIN_MAX, By.SOURCE, -1, 1, 0.01, 0.99, folder.resolve("out").toString());
    Source named = new Source(later.path(), Schema.AUTO, Map.of(), "low.jsonl");
    assertEquals(
        List.of("dx|-0.5", "dy|1.0"),
        documents(
            prepare(dataset(Kind.REWARD, applied, PairOptions.NONE, later), "all"),
            "all",
            "document_scores"));
    assertEquals(
        List.of("dx|1.0", "dy|1.0"),
        documents(
            prepare(dataset(Kind.REWARD, applied, PairOptions.NONE, named), "named"),
            "named",
            "document_scores"));
  }

  @Test
  void shouldNormalizeByGroupAndTakeEveryFormOfResponse() throws IOException {
    Source source =
        write(
            "forms.jsonl",
            List.of(
                "{\"prompt\": \"p\", \"responses\": [{\"text\": \"a\", \"score\": 1}, {\"text\": \"b\", \"score\": 3}], \"group\": \"g\"}",
                "{\"prompt\": \"q\", \"responses\": [\"c\", \"d\"], \"scores\": [5, 7], \"group\": \"h\"}",
                "{\"prompt\": \"q\", \"responses\": [\"c\", \"d\"], \"comparisons\": [[0, 1]]}"));
    RewardOptions rewards = RewardOptions.of(Method.RANK, By.GROUP);
    DatasetManifest manifest =
        prepare(dataset(Kind.REWARD, rewards, PairOptions.NONE, source), "out");
    assertEquals(
        List.of("pa|-1.0", "pb|1.0", "qc|-1.0", "qd|1.0"),
        documents(manifest, "out", "document_scores"));
    assertEquals(Map.of("bad_score", 1L), manifest.rejects());
    assertEquals(2, manifest.scores().get("h").count());

    RewardOptions raw = RewardOptions.NONE;
    DatasetManifest asTheyAre = prepare(dataset(Kind.REWARD, raw, PairOptions.NONE, source), "raw");
    assertEquals(
        List.of("pa|1.0", "pb|3.0", "qc|5.0", "qd|7.0"),
        documents(asTheyAre, "raw", "document_scores"));
    assertFalse(Files.exists(folder.resolve("raw").resolve(RewardStatistics.FILE_NAME)));
  }

  @Test
  void shouldRefuseTooManyGroups() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i <= ScorePass.MAXIMUM_GROUPS; i++) {
      lines.add("{\"text\": \"a b\", \"score\": 1, \"group\": %d}".formatted(i));
    }
    Source source = write("groups.jsonl", lines);
    DatasetOptions dataset =
        dataset(Kind.REWARD, RewardOptions.of(Method.RANK, By.GROUP), PairOptions.NONE, source);
    SparktuneException failure =
        assertThrows(SparktuneException.class, () -> prepare(dataset, "out"));
    assertEquals(ErrorCode.BAD_DATA, failure.code());
    assertTrue(failure.getMessage().contains("more than 10000 values"), failure.getMessage());
  }

  @Test
  void shouldMakePairsAcrossRecordsAndPieces() throws IOException {
    Source single =
        write(
            "single.jsonl",
            List.of(
                scored("p", "bad", 1),
                scored("q", "only", 1),
                scored("p", "good", 4),
                scored("p", "middle", 2),
                "{\"prompt\": \"p\", \"response\": \"x\"}"));
    Source lists =
        write(
            "lists.jsonl",
            List.of(
                "{\"prompt\": \"r\", \"responses\": [{\"text\": \"s\", \"score\": 2}, {\"text\": \"t\", \"score\": 2}]}",
                "{\"prompt\": \"p\", \"responses\": [\"worst\"], \"scores\": [-1]}"));
    Source arena =
        write(
            "arena.jsonl",
            List.of(
                "{\"prompt\": \"u\", \"response_a\": \"v\", \"response_b\": \"w\", \"winner\": \"b\"}",
                "{\"prompt\": \"u\", \"response_a\": \"z\", \"response_b\": \"w\", \"winner\": \"tie\"}"));
    Source texts = write("texts.jsonl", List.of("{\"text\": \"no prompt\", \"score\": 1}"));
    DatasetOptions dataset =
        dataset(
            Kind.PREFERENCE,
            RewardOptions.NONE,
            PairOptions.of(Strategy.BEST_WORST, 1),
            single,
            lists,
            arena,
            texts);
    for (long pieceBytes : new long[] {60, 1 << 20}) {
      String output = "out" + pieceBytes;
      DatasetManifest manifest = prepare(dataset, output, pieceBytes);
      List<String> pairs = documents(manifest, output, "pair_margins");
      assertEquals("pgood|pworst|5.0", pairs.get(0));
      assertTrue(pairs.get(1).startsWith("uw|uv|"), pairs.get(1));
      assertEquals(2, pairs.size());
      assertEquals(4, manifest.splits().get("train").documents());
      assertEquals("preference", manifest.kind());
      assertEquals(Map.of("bad_score", 1L, "missing_field", 1L), manifest.rejects());
      Map<String, Long> expected = new TreeMap<>();
      expected.put("pairs.made", 2L);
      expected.put("pairs.prompts", 4L);
      expected.put("pairs.prompts_with_one_response", 1L);
      expected.put("pairs.responses", 11L);
      expected.put("pairs.ties", 1L);
      assertEquals(expected, manifest.counters());
      assertEquals(10, manifest.recordsRead());
    }
  }

  @Test
  void shouldCountPairsThatDoNotFit() throws IOException {
    StringBuilder text = new StringBuilder("some");
    while (tokenizer.encode(text.toString(), false).length < 40) {
      text.append(" word");
    }
    String half = text.toString();
    String whole = half + half;
    Source source =
        write(
            "long.jsonl",
            List.of(
                scored("p", half, 1),
                scored("p", "a" + half, 2),
                scored("q", whole, 1),
                scored("q", "short", 2),
                scored("r", "x", 1),
                scored("r", "y", 2)));
    DatasetManifest manifest =
        prepare(
            dataset(
                Kind.PREFERENCE,
                RewardOptions.NONE,
                PairOptions.of(Strategy.BEST_WORST, 1),
                source),
            "out");
    assertEquals(List.of("ry|rx|1.0"), documents(manifest, "out", "pair_margins"));
    assertEquals(1, manifest.counters().get("pairs.too_long"));
    assertEquals(1, manifest.counters().get("pairs.incomplete"));
    assertEquals(Map.of("too_long", 1L), manifest.rejects());
  }

  @Test
  void shouldNormalizeScoresBeforeTheyArePaired() throws IOException {
    Source source = write("a.jsonl", List.of(scored("p", "x", 1), scored("p", "y", 5)));
    DatasetManifest manifest =
        prepare(
            dataset(
                Kind.PREFERENCE,
                RewardOptions.of(Method.Z_SCORE, By.ALL),
                PairOptions.of(Strategy.BEST_WORST, 1),
                source),
            "out");
    assertEquals(List.of("py|px|2.0"), documents(manifest, "out", "pair_margins"));
    assertEquals(2, manifest.scores().get("*").count());
  }

  /** A prompt with 100,000 responses among others: its best and worst are found, in any order. */
  @Test
  void shouldPairAPromptOfAHundredThousandResponses() throws IOException {
    int responses = 100_000;
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < responses; i++) {
      lines.add(scored("hot", "r" + i, i));
    }
    for (int i = 0; i < 50; i++) {
      lines.add(scored("cold " + i, "good", 2));
      lines.add(scored("cold " + i, "bad", 1));
    }
    PairOptions top = PairOptions.of(Strategy.TOP_K, 3);
    List<String> first = null;
    for (int run = 0; run < 2; run++) {
      Collections.shuffle(lines, new Random(run));
      Source source = write("hot.jsonl", lines);
      DatasetManifest manifest =
          prepare(
              dataset(Kind.PREFERENCE, RewardOptions.NONE, top, source),
              "run" + run,
              (1 + run) * 500_000L);
      List<String> pairs = documents(manifest, "run" + run, "pair_margins");
      assertEquals(53, pairs.size());
      for (int i = 0; i < 3; i++) {
        String pair = "hotr%d|hotr%d|%s".formatted(responses - 1 - i, i, responses - 1.0f - 2 * i);
        assertTrue(pairs.contains(pair), pair);
      }
      assertEquals(responses + 100, manifest.counters().get("pairs.responses"));
      first = first == null ? pairs : first;
      assertEquals(first, pairs);
    }
  }

  @Test
  void shouldGiveTheSameBytesAgain() throws IOException {
    List<String> lines = new ArrayList<>();
    Random random = new Random(1);
    for (int i = 0; i < 2000; i++) {
      lines.add(scored("p" + random.nextInt(200), "r" + i, random.nextInt(40) / 4.0));
    }
    Source source = write("many.jsonl", lines);
    PairOptions pairs = PairOptions.of(Strategy.TEMPERATURE, 2);
    RewardOptions rewards = RewardOptions.of(Method.ROBUST, By.ALL);
    for (DatasetOptions dataset :
        List.of(
            dataset(Kind.PREFERENCE, rewards, pairs, source),
            dataset(Kind.REWARD, rewards, PairOptions.NONE, source))) {
      String name = dataset.kind().word();
      DatasetManifest one = prepare(dataset, name + 1, 10_000);
      DatasetManifest two = prepare(dataset, name + 2, 10_000);
      assertEquals(one, two);
      for (DatasetManifest.Part part : one.splits().get("train").parts()) {
        assertArrayEquals(
            Files.readAllBytes(folder.resolve(name + 1).resolve(part.path())),
            Files.readAllBytes(folder.resolve(name + 2).resolve(part.path())));
      }
    }
  }

  @Test
  void shouldPairResponsesToTurnsAndSayWhenNoPairIsShortEnough() throws IOException {
    String record =
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"hi\"}], \"responses\":"
            + " [{\"text\": \"%s\", \"score\": 1}, {\"text\": \"no\", \"score\": 0}]}";
    PairOptions pairs = PairOptions.of(Strategy.TOP_K, 1);
    Source good = write("turns.jsonl", List.of(record.formatted("yes")));
    DatasetManifest manifest =
        prepare(dataset(Kind.PREFERENCE, RewardOptions.NONE, pairs, good), "turns");
    assertEquals(2, manifest.splits().get("train").documents());

    Source wordy = write("wordy.jsonl", List.of(record.formatted("yes ".repeat(10).strip())));
    DatasetOptions tooLong = dataset(Kind.PREFERENCE, RewardOptions.NONE, pairs, wordy);
    SparktuneException e =
        assertThrows(SparktuneException.class, () -> prepare(tooLong, "too-long"));
    assertEquals(ErrorCode.BAD_DATA, e.code());
    assertTrue(e.getMessage().contains("pairs.too_long=1"), e.getMessage());
    assertTrue(e.hint().contains("sequence_length"), e.hint());
  }

  @Test
  void shouldPrepareRealFeedbackAsRewards() throws IOException {
    Path shared = Path.of(System.getProperty("sparktune.shared", "../shared"));
    Path file = shared.resolve("assets/data/instruction-and-preference/kto_en_demo.json");
    Assumptions.assumeTrue(Files.exists(file), "there is no " + file);
    DatasetOptions dataset =
        new DatasetOptions(
                Kind.REWARD,
                List.of(new Source(file.toString(), Schema.AUTO, Map.of("score", "label"))),
                2048,
                true,
                true,
                0,
                0.5,
                TrainOn.ASSISTANT,
                "auto",
                OnLong.REJECT,
                true)
            .withStages(
                DatasetStages.NONE.withScores(
                    RewardOptions.of(Method.MIN_MAX, By.ALL), PairOptions.NONE));
    DatasetManifest manifest = prepare(dataset, "kto");
    DatasetManifest.Scores scores = manifest.scores().get("*");
    assertEquals(manifest.recordsRead(), scores.count());
    List<List<Float>> labels =
        StoredDataset.floats(
            folder.resolve("kto").toString(), manifest.splits().get("train"), "document_scores");
    long liked = labels.stream().flatMap(List::stream).filter(score -> score == 1).count();
    long documents = manifest.splits().get("train").documents();
    assertEquals(
        documents, labels.stream().flatMap(List::stream).filter(s -> Math.abs(s) == 1).count());
    if (documents == scores.count()) {
      assertEquals(Math.round(scores.mean() * scores.count()), liked);
    }
    assertTrue(liked > 0 && liked < documents);
  }
}
