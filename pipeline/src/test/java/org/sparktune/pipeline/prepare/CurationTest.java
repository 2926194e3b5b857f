package org.sparktune.pipeline.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.CleanOptions;
import org.sparktune.pipeline.spec.CleanOptions.FilterSet;
import org.sparktune.pipeline.spec.CleanOptions.PersonalData;
import org.sparktune.pipeline.spec.CleanOptions.UnicodeForm;
import org.sparktune.pipeline.spec.CleanOptions.Whitespace;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.DatasetOptions.OnLong;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.pipeline.spec.DatasetOptions.Source;
import org.sparktune.pipeline.spec.DatasetOptions.TrainOn;
import org.sparktune.pipeline.spec.DatasetStages;
import org.sparktune.pipeline.spec.DecontaminateOptions;
import org.sparktune.pipeline.spec.DeduplicateOptions;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;

/** Cleaning, deduplication and decontamination through the whole preparation. */
class CurationTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final LocalDateTime NOW = LocalDateTime.of(2024, 7, 4, 9, 5);
  private static final DeduplicateOptions EXACT =
      new DeduplicateOptions(true, false, 0.8, 128, 5, List.of(), false);
  private static final DeduplicateOptions FUZZY =
      new DeduplicateOptions(true, true, 0.8, 128, 5, List.of(), false);

  private static String model;
  private static Tokenizer tokenizer;

  @TempDir Path folder;

  @BeforeAll
  static void loadModel() throws URISyntaxException {
    Path path = Path.of(CurationTest.class.getResource("/model").toURI());
    model = path.toString();
    tokenizer = Tokenizers.load(path);
  }

  private Path write(String name, List<String> texts) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (String text : texts) {
      lines.append(JSON.writeValueAsString(Map.of("text", text))).append('\n');
    }
    return Files.writeString(folder.resolve(name), lines);
  }

  private static DatasetOptions dataset(Path... files) {
    List<Source> sources = new ArrayList<>();
    for (Path file : files) {
      sources.add(new Source(file.toString(), Schema.AUTO, Map.of()));
    }
    return new DatasetOptions(
        DatasetOptions.Kind.SFT,
        sources,
        4096,
        false,
        false,
        0,
        0,
        TrainOn.ASSISTANT,
        "auto",
        OnLong.REJECT,
        false);
  }

  private static DatasetOptions with(DatasetOptions dataset, DeduplicateOptions deduplicate) {
    return dataset.withStages(
        DatasetStages.NONE.withCuration(CleanOptions.NONE, deduplicate, DecontaminateOptions.NONE));
  }

  private DatasetManifest prepare(DatasetOptions dataset, String output) {
    return prepare(LocalSpark.session(), dataset, output, 1 << 14);
  }

  private DatasetManifest prepare(
      SparkSession spark, DatasetOptions dataset, String output, long pieceBytes) {
    PrepareOptions options =
        new PrepareOptions(dataset, folder.resolve(output).toString(), model, 7, 2, 1 << 20, NOW);
    return PreparePipeline.prepare(spark, options, pieceBytes);
  }

  private List<String> texts(DatasetManifest manifest, String output) throws IOException {
    List<String> texts = new ArrayList<>();
    for (StoredDataset.Row row :
        StoredDataset.rows(folder.resolve(output).toString(), manifest.splits().get("train"))) {
      texts.add(tokenizer.decode(row.ids().stream().mapToInt(Integer::intValue).toArray(), false));
    }
    return texts;
  }

  private List<JsonNode> rejects(String output) throws IOException {
    List<JsonNode> rejects = new ArrayList<>();
    for (String line :
        Files.readAllLines(folder.resolve(output).resolve("_rejects/part-00000.jsonl"))) {
      rejects.add(JSON.readTree(line));
    }
    return rejects;
  }

  private static String words(Random random, int count) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < count; i++) {
      text.append(i == 0 ? "" : " ").append(word(random));
    }
    return text.toString();
  }

  private static String word(Random random) {
    StringBuilder word = new StringBuilder();
    for (int i = 2 + random.nextInt(5); i > 0; i--) {
      word.append((char) ('a' + random.nextInt(26)));
    }
    return word.toString();
  }

  /** The text with a share of its words replaced. */
  private static String edited(String text, int replaced, Random random) {
    String[] words = text.split(" ", -1);
    for (int i = 0; i < replaced; i++) {
      // Spread, so that each spoils as many runs as it can.
      words[(2 * i + 1) * words.length / (2 * replaced)] = "qq" + word(random);
    }
    return String.join(" ", words);
  }

  @Test
  void shouldCleanMaskAndCount() throws IOException {
    CleanOptions clean =
        new CleanOptions(
            UnicodeForm.NFC,
            true,
            true,
            true,
            Whitespace.TRIM,
            List.of(FilterSet.FINEWEB),
            Map.of(),
            List.of(),
            0.65,
            List.of(PersonalData.EMAIL, PersonalData.CARD),
            Files.writeString(folder.resolve("words.txt"), "# none of these\nforbidden thing\n")
                .toString());
    Path file =
        write(
            "in.jsonl",
            List.of(
                "<p>The cafÃ© by the river is open &amp; warm.</p>  \r\n\r\n\r\nCome in.",
                "Write to someone@example.org or to another@example.org.",
                "Paid with 4111 1111 1111 1111.",
                "menu\nhome\nabout",
                "This here is a FORBIDDEN thing to say.",
                "<br><hr>"));
    DatasetManifest manifest =
        prepare(
            dataset(file)
                .withStages(
                    DatasetStages.NONE.withCuration(
                        clean, DeduplicateOptions.NONE, DecontaminateOptions.NONE)),
            "out");
    assertEquals(
        List.of(
            "The café by the river is open & warm.\n\nCome in.",
            "Write to [EMAIL] or to [EMAIL].",
            "Paid with [CARD]."),
        texts(manifest, "out"));
    assertEquals(Map.of("fineweb", 1L, "blocklist", 1L, "nothing_left", 1L), manifest.rejects());
    assertEquals(2L, manifest.counters().get("masked.email"));
    assertEquals(1L, manifest.counters().get("masked.card"));
    assertEquals(1L, manifest.counters().get("changed.mojibake"));
    assertEquals(2L, manifest.counters().get("changed.html"));
    assertEquals(1L, manifest.counters().get("filtered.fineweb.min_punctuated_lines"));
    JsonNode stored = JSON.readTree(folder.resolve("out/_manifest.json").toFile());
    assertEquals(2, stored.get("counters").get("masked.email").asInt());
    assertTrue(stored.get("options").get("clean").asText().contains("FINEWEB"));
  }

  @Test
  void shouldCleanConversationsButNotTheirPrograms() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("chat.jsonl"),
            "{\"messages\": [{\"role\": \"user\", \"content\": \"<b>ask</b> a@b.org\"},"
                + " {\"role\": \"assistant\", \"content\": null, \"tool_calls\": [{\"function\":"
                + " {\"name\": \"f\", \"arguments\": {\"x\": \"<b>y</b> a@b.org\"}}}]}]}\n");
    CleanOptions clean =
        new CleanOptions(
            UnicodeForm.NONE,
            false,
            true,
            false,
            Whitespace.KEEP,
            List.of(),
            Map.of(),
            List.of(),
            0.65,
            List.of(PersonalData.EMAIL),
            null);
    DatasetManifest manifest =
        prepare(
            dataset(file)
                .withStages(
                    DatasetStages.NONE.withCuration(
                        clean, DeduplicateOptions.NONE, DecontaminateOptions.NONE)),
            "out");
    String text = texts(manifest, "out").get(0);
    assertTrue(text.contains("ask [EMAIL]<|im_end|>"), text);
    assertTrue(text.contains("{\"x\": \"<b>y</b> [EMAIL]\"}"), text);
  }

  @Test
  void shouldKeepTheFirstOfExactDuplicates() throws IOException {
    Path one = write("1.jsonl", List.of("Alpha beta", "gamma", "ALPHA  beta"));
    Path two = write("2.jsonl", List.of("delta", "alpha\nbeta", "gamma", "gamma delta"));
    DatasetManifest manifest = prepare(with(dataset(one, two), EXACT), "out");
    assertEquals(List.of("Alpha beta", "gamma", "delta", "gamma delta"), texts(manifest, "out"));
    assertEquals(Map.of("duplicate", 3L), manifest.rejects());
    assertEquals(7, manifest.recordsRead());
    List<JsonNode> rejects = rejects("out");
    assertEquals(3, rejects.get(0).get("line").asInt());
    assertTrue(rejects.get(0).get("detail").asText().endsWith("1.jsonl:1"), rejects.toString());
    assertTrue(rejects.get(2).get("detail").asText().endsWith("1.jsonl:2"), rejects.toString());
    assertFalse(Files.exists(folder.resolve("out/_fingerprints")));
  }

  @Test
  void shouldFindPlantedNearDuplicatesAndNothingElse() throws IOException {
    Random random = new Random(17);
    List<String> texts = new ArrayList<>();
    Set<String> planted = new HashSet<>();
    for (int i = 0; i < 300; i++) {
      String original = words(random, 120);
      texts.add(original);
      if (i % 3 == 0) {
        // Two words of 120: ten of 116 runs differ, Jaccard about 0.84.
        String near = edited(original, 1 + i % 2, random);
        texts.add(near);
        planted.add(near);
      } else if (i % 3 == 1) {
        // Ten words: about fifty runs differ, Jaccard about 0.4. Not a duplicate.
        texts.add(edited(original, 10, random));
      }
    }
    DatasetManifest manifest = prepare(with(dataset(write("in.jsonl", texts)), FUZZY), "out");
    Set<String> kept = new HashSet<>(texts(manifest, "out"));
    int right = 0;
    int wrong = 0;
    for (String text : texts) {
      boolean dropped = !kept.contains(text);
      right += dropped && planted.contains(text) ? 1 : 0;
      wrong += dropped && !planted.contains(text) ? 1 : 0;
    }
    assertEquals(0, wrong, "precision");
    assertTrue(right >= 0.95 * planted.size(), "recall: " + right + " of " + planted.size());
    assertEquals(Map.of("near_duplicate", (long) right), manifest.rejects());
  }

  @Test
  void shouldFollowChainsAndCrowds() throws IOException {
    Random random = new Random(23);
    List<String> texts = new ArrayList<>();
    String text = words(random, 100);
    // A chain whose ends have nothing in common, and a crowd in the same buckets.
    for (int i = 0; i < 100; i++) {
      String[] words = text.split(" ", -1);
      words[i] = "qq" + word(random);
      text = String.join(" ", words);
      texts.add(text);
    }
    String crowd = words(random, 100);
    for (int i = 0; i < 2000; i++) {
      texts.add(crowd + " " + i);
    }
    DatasetManifest manifest = prepare(with(dataset(write("in.jsonl", texts)), FUZZY), "out");
    assertEquals(List.of(texts.get(0), texts.get(100)), texts(manifest, "out"));
    assertEquals(Map.of("near_duplicate", 2098L), manifest.rejects());
  }

  @Test
  void shouldGiveTheSameBytesOnAnyCluster() throws IOException {
    Random random = new Random(5);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      texts.add(words(random, 40));
      texts.add(
          i % 2 == 0
              ? texts.get(random.nextInt(texts.size()))
              : edited(texts.get(random.nextInt(texts.size())), 1, random));
    }
    DatasetOptions dataset =
        with(
            dataset(write("in.jsonl", texts)),
            new DeduplicateOptions(true, true, 0.7, 64, 3, List.of(), false));
    DatasetManifest one = prepare(dataset, "one");
    SparkSession other = LocalSpark.session().newSession();
    other.conf().set("spark.sql.shuffle.partitions", 7);
    other.conf().set("spark.sql.adaptive.enabled", false);
    DatasetManifest two = prepare(other, dataset, "two", 1 << 14);
    assertTrue(one.rejects().get("duplicate") > 50, one.rejects().toString());
    assertTrue(one.rejects().get("near_duplicate") > 20, one.rejects().toString());
    assertEquals(one, two);
    for (DatasetManifest.Part part : one.splits().get("train").parts()) {
      assertArrayEquals(
          Files.readAllBytes(folder.resolve("one").resolve(part.path())),
          Files.readAllBytes(folder.resolve("two").resolve(part.path())));
    }
  }

  @Test
  void shouldHoldTheInputAgainstAnEarlierDataset() throws IOException {
    Random random = new Random(31);
    String first = words(random, 80);
    String second = words(random, 80);
    String third = words(random, 80);
    DeduplicateOptions keep = new DeduplicateOptions(true, true, 0.8, 128, 5, List.of(), true);
    prepare(with(dataset(write("day1.jsonl", List.of(first, second, second))), keep), "day1");
    String day1 = folder.resolve("day1").toString();
    DeduplicateOptions against =
        new DeduplicateOptions(true, true, 0.8, 128, 5, List.of(day1), false);
    Path day2 = write("day2.jsonl", List.of(third, first, edited(second, 1, random), third));
    DatasetManifest manifest = prepare(with(dataset(day2), against), "day2");
    assertEquals(List.of(third), texts(manifest, "day2"));
    assertEquals(Map.of("known", 2L, "duplicate", 1L), manifest.rejects());
    DeduplicateOptions exact =
        new DeduplicateOptions(true, false, 0.8, 128, 5, List.of(day1), false);
    assertEquals(
        Map.of("known", 1L, "duplicate", 1L),
        prepare(with(dataset(day2), exact), "day3").rejects());
    DeduplicateOptions other = new DeduplicateOptions(true, true, 0.8, 64, 5, List.of(day1), false);
    SparktuneException e =
        assertThrows(SparktuneException.class, () -> prepare(with(dataset(day2), other), "day4"));
    assertEquals(ErrorCode.MISMATCH, e.code());
    assertTrue(e.getMessage().contains("minhash-64-5"), e.getMessage());
  }

  @Test
  void shouldRefuseWhatAnEvaluationSetHolds() throws IOException {
    Random random = new Random(41);
    String question = words(random, 30);
    Path evaluation =
        Files.writeString(
            folder.resolve("eval.jsonl"),
            JSON.writeValueAsString(
                    Map.of(
                        "question",
                        question,
                        "id",
                        7,
                        "choices",
                        List.of("yes", "one two three four five six")))
                + "\n");
    String[] asked = question.toUpperCase(java.util.Locale.ROOT).split(" ", -1);
    String thirteen = String.join(", ", List.of(asked).subList(5, 18));
    String twelve = String.join(" ", List.of(asked).subList(5, 17));
    Path file =
        write(
            "in.jsonl",
            List.of(
                words(random, 40),
                "Before " + thirteen + " after",
                "Before " + twelve + " after",
                "yes",
                "One two three, four five six!",
                "one two three four five six seven"));
    DatasetOptions dataset =
        dataset(file)
            .withStages(
                DatasetStages.NONE.withCuration(
                    CleanOptions.NONE,
                    DeduplicateOptions.NONE,
                    new DecontaminateOptions(List.of(evaluation.toString()), 13)));
    DatasetManifest manifest = prepare(dataset, "out");
    assertEquals(Map.of("contaminated", 2L), manifest.rejects());
    assertEquals(
        List.of(2, 5), rejects("out").stream().map(node -> node.get("line").asInt()).toList());
    // Other content of the evaluation set is another dataset.
    Files.writeString(evaluation, "{\"question\": \"yes or no\"}\n");
    SparktuneException e = assertThrows(SparktuneException.class, () -> prepare(dataset, "out"));
    assertEquals(ErrorCode.OUTPUT, e.code());
  }

  @Test
  void shouldNotCountWhatWasFilteredOutAsBadInput() throws IOException {
    Path file = write("in.jsonl", List.of("same text", "same text", "same text", "other"));
    assertEquals(2, prepare(with(dataset(file), EXACT), "out").splits().get("train").documents());
    Files.writeString(file, "not json\n", java.nio.file.StandardOpenOption.APPEND);
    SparktuneException e =
        assertThrows(SparktuneException.class, () -> prepare(with(dataset(file), EXACT), "worse"));
    assertEquals(ErrorCode.BAD_DATA, e.code());
    assertTrue(e.getMessage().startsWith("1 of 5 records were rejected"), e.getMessage());
    assertTrue(e.getMessage().contains("{malformed_json=1}"), e.getMessage());
    assertFalse(e.getMessage().contains("duplicate"), e.getMessage());
  }
}
