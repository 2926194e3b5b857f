package org.sparktune.pipeline.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.luben.zstd.Zstd;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.DatasetOptions.OnLong;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.pipeline.spec.DatasetOptions.Source;
import org.sparktune.pipeline.spec.DatasetOptions.TrainOn;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;

class PreparePipelineTest {
  private static final LocalDateTime NOW = LocalDateTime.of(2024, 7, 4, 9, 5);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static String model;
  private static Tokenizer tokenizer;

  @TempDir Path folder;

  @BeforeAll
  static void loadModel() throws URISyntaxException {
    Path path = Path.of(PreparePipelineTest.class.getResource("/model").toURI());
    model = path.toString();
    tokenizer = Tokenizers.load(path);
  }

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private static Source source(Path path) {
    return new Source(path.toString(), Schema.AUTO, Map.of());
  }

  private static DatasetOptions dataset(
      List<Source> sources, boolean packing, boolean shuffle, double held, double rejects) {
    return new DatasetOptions(
        DatasetOptions.Kind.SFT,
        sources,
        64,
        packing,
        shuffle,
        held,
        rejects,
        TrainOn.ASSISTANT,
        "auto",
        OnLong.REJECT,
        true);
  }

  private PrepareOptions options(DatasetOptions dataset, String output) {
    return new PrepareOptions(
        dataset, folder.resolve(output).toString(), model, 7, 2, 1 << 16, NOW);
  }

  private DatasetManifest prepare(DatasetOptions dataset, String output) {
    return PreparePipeline.prepare(LocalSpark.session(), options(dataset, output));
  }

  private List<StoredDataset.Row> rows(DatasetManifest manifest, String output, String split)
      throws IOException {
    return StoredDataset.rows(folder.resolve(output).toString(), manifest.splits().get(split));
  }

  /** The text of the trained tokens, a bar between runs. */
  private static String trained(StoredDataset.Row row) {
    StringBuilder text = new StringBuilder();
    boolean open = false;
    for (int i = 0; i < row.ids().size(); i++) {
      boolean on = row.lossMask().get(i) == 1;
      text.append(on && !open && text.length() > 0 ? "|" : "");
      text.append(on ? tokenizer.decode(new int[] {row.ids().get(i)}, false) : "");
      open = on;
    }
    return text.toString();
  }

  private static String text(StoredDataset.Row row) {
    return tokenizer.decode(row.ids().stream().mapToInt(Integer::intValue).toArray(), false);
  }

  @Test
  void shouldPrepareEverySchemaAndFormat() throws IOException {
    Path in = Files.createDirectory(folder.resolve("in"));
    Files.writeString(in.resolve("a-text.data"), "\uFEFF{\"text\": \"plain\"}\r\n");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(in.resolve("b-alpaca")))) {
      out.write(
          "{\"instruction\": \"Add\", \"input\": \"1 2\", \"output\": \"3\"}\n"
              .getBytes(StandardCharsets.UTF_8));
    }
    byte[] shareGpt =
        "{\"conversations\": [{\"from\": \"human\", \"value\": \"hi\"}, {\"from\": \"gpt\", \"value\": \"yo\"}], \"system\": \"S\"}"
            .getBytes(StandardCharsets.UTF_8);
    Files.write(in.resolve("c-sharegpt.bin"), Zstd.compress(shareGpt));
    Files.writeString(
        in.resolve("d-messages.json"),
        " [\n{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"q\"}]}, {\"role\": \"assistant\", \"content\": null, \"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": \"{\\\"x\\\": 1}\"}}]}]}\n]");
    Files.writeString(
        in.resolve("e-tokens"), "{\"input_ids\": [5, 6, 7], \"labels\": [-100, -100, 7]}\n");
    Files.writeString(in.resolve("_ignored"), "x");
    Files.writeString(in.resolve(".hidden"), "x");
    Files.writeString(folder.resolve("mapped.jsonl"), "{\"q\": \"what\", \"a\": \"that\"}\n");

    DatasetManifest manifest =
        prepare(
            dataset(
                List.of(
                    source(in),
                    new Source(
                        folder.resolve("map*.jsonl").toString(),
                        Schema.AUTO,
                        Map.of("instruction", "q", "output", "a"))),
                false,
                false,
                0,
                0),
            "out");

    List<StoredDataset.Row> rows = rows(manifest, "out", "train");
    assertEquals(
        List.of(
            "plain<|im_end|>",
            "<|im_start|>user\nAdd\n1 2<|im_end|>\n<|im_start|>assistant\n3<|im_end|>\n",
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nyo<|im_end|>\n",
            "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n<call>{\"name\": \"f\", \"arguments\": {\"x\": 1}}<|im_end|>\n",
            tokenizer.decode(new int[] {5, 6, 7}, false),
            "<|im_start|>user\nwhat<|im_end|>\n<|im_start|>assistant\nthat<|im_end|>\n"),
        rows.stream().map(PreparePipelineTest::text).toList());
    assertEquals("plain<|im_end|>", trained(rows.get(0)));
    assertEquals("3<|im_end|>", trained(rows.get(1)));
    assertEquals(
        "<call>{\"name\": \"f\", \"arguments\": {\"x\": 1}}<|im_end|>", trained(rows.get(3)));
    assertEquals(List.of(0, 0, 1), rows.get(4).lossMask());
    assertEquals(
        List.of("text", "alpaca", "sharegpt", "messages", "tokens", "alpaca"),
        manifest.sources().stream().map(DatasetManifest.Source::schema).toList());
    assertEquals(
        List.of("jsonl", "jsonl", "jsonl", "json", "jsonl", "jsonl"),
        manifest.sources().stream().map(DatasetManifest.Source::format).toList());
    assertEquals(6, manifest.recordsRead());
    assertEquals(tokenizer.fingerprint(), manifest.tokenizerFingerprint());
  }

  @Test
  void shouldReadParquetWithNestedMessages() throws IOException {
    Path json =
        write(
            "nested.jsonl",
            """
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
            {"messages": [{"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}]}
            """);
    String parquet = folder.resolve("parquet").toString();
    LocalSpark.session().read().json(json.toString()).coalesce(1).write().parquet(parquet);
    DatasetManifest manifest =
        prepare(dataset(List.of(source(Path.of(parquet))), false, false, 0, 0), "out");
    List<StoredDataset.Row> rows = rows(manifest, "out", "train");
    assertEquals(
        List.of("b<|im_end|>", "d<|im_end|>"),
        rows.stream().map(PreparePipelineTest::trained).toList());
    assertEquals("parquet", manifest.sources().get(0).format());
  }

  @Test
  void shouldCountAndSampleEveryReject() throws IOException {
    byte[] invalid = "{\"text\": \"\u00e4\"}\n".getBytes(StandardCharsets.ISO_8859_1);
    Path file = folder.resolve("bad.jsonl");
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write("{\"text\": \"the quick brown fox\"}\n".getBytes(StandardCharsets.UTF_8));
      out.write("{\"text\": \"cut\n".getBytes(StandardCharsets.UTF_8));
      out.write(invalid);
      out.write("  \n".getBytes(StandardCharsets.UTF_8));
      out.write(("{\"text\": \"" + "x".repeat(1 << 16) + "\"}\n").getBytes(StandardCharsets.UTF_8));
      out.write(
          "{\"txt\": \"a\"}\n{\"text\": 1}\n[1]\n{\"text\": \"\"}\n"
              .getBytes(StandardCharsets.UTF_8));
      out.write(("{\"text\": \"" + "x ".repeat(100) + "\"}\n").getBytes(StandardCharsets.UTF_8));
    }
    Path tokens =
        write(
            "tokens.jsonl",
            "{\"input_ids\": [1, 2], \"labels\": [1, -100]}\n{\"input_ids\": [1, 99999]}\n{\"input_ids\": [1]}\n");
    DatasetManifest manifest =
        prepare(dataset(List.of(source(file), source(tokens)), true, true, 0, 1), "out");
    Map<String, Long> expected = new TreeMap<>();
    expected.put("malformed_json", 1L);
    expected.put("not_utf8", 1L);
    expected.put("empty", 2L);
    expected.put("over_long_line", 1L);
    expected.put("missing_field", 1L);
    expected.put("wrong_type", 2L);
    expected.put("too_long", 1L);
    expected.put("no_loss_tokens", 1L);
    expected.put("token_out_of_range", 1L);
    expected.put("too_short", 1L);
    assertEquals(expected, manifest.rejects());
    assertEquals(13, manifest.recordsRead());

    Map<String, List<Long>> lines = new TreeMap<>();
    for (String line : Files.readAllLines(folder.resolve("out/_rejects/part-00000.jsonl"))) {
      JsonNode reject = JSON.readTree(line);
      lines
          .computeIfAbsent(reject.get("reason").asText(), unused -> new ArrayList<>())
          .add(reject.get("line").asLong());
      assertTrue(reject.get("file").asText().endsWith(".jsonl"), line);
      assertFalse(reject.get("detail").asText().isEmpty(), line);
    }
    assertEquals(List.of(2L), lines.get("malformed_json"));
    assertEquals(List.of(3L), lines.get("not_utf8"));
    assertEquals(List.of(4L, 9L), lines.get("empty"));
    assertEquals(List.of(5L), lines.get("over_long_line"));
    assertEquals(List.of(7L, 8L), lines.get("wrong_type"));
    assertEquals(List.of(2L), lines.get("token_out_of_range"));
  }

  @Test
  void shouldGiveTheSameBytesAgainAndTheSameDocumentsHoweverTheInputIsCut() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 3000; i++) {
      text.append("{\"instruction\": \"what is ")
          .append(i)
          .append("?\", \"output\": \"")
          .append("x ".repeat(i % 17))
          .append("the number ")
          .append(i)
          .append("\"}\n");
      text.append(i == 2345 ? "broken\n" : "");
    }
    Path file = write("many.jsonl", text.toString());
    DatasetOptions dataset = dataset(List.of(source(file)), true, true, 0.1, 0.01);
    DatasetManifest one =
        PreparePipeline.prepare(LocalSpark.session(), options(dataset, "one"), 20_000);
    DatasetManifest two =
        PreparePipeline.prepare(LocalSpark.session(), options(dataset, "two"), 20_000);
    assertTrue(one.splits().get("train").parts().size() > 3);
    assertEquals(one, two);
    for (String split : List.of("train", "validation")) {
      for (DatasetManifest.Part part : one.splits().get(split).parts()) {
        assertArrayEquals(
            Files.readAllBytes(folder.resolve("one").resolve(part.path())),
            Files.readAllBytes(folder.resolve("two").resolve(part.path())));
      }
    }
    assertEquals(
        3000, one.splits().get("train").documents() + one.splits().get("validation").documents());
    double held = one.splits().get("validation").documents() / 3000.0;
    assertEquals(0.1, held, 0.02);
    JsonNode reject =
        JSON.readTree(Files.readAllLines(folder.resolve("one/_rejects/part-00000.jsonl")).get(0));
    assertEquals(2347, reject.get("line").asLong());

    // The same documents in one piece: the same split, and whole documents only.
    DatasetManifest whole = prepare(dataset, "whole");
    assertEquals(one.splits().get("train").documents(), whole.splits().get("train").documents());
    assertEquals(one.splits().get("train").tokens(), whole.splits().get("train").tokens());
    DatasetManifest.Split train = whole.splits().get("train");
    assertTrue(
        train.documents() > train.rows(),
        train.documents() + " documents in " + train.rows() + " rows");
    List<String> documents = documents(whole, "whole");
    assertEquals(
        documents(one, "one").stream().sorted().toList(), documents.stream().sorted().toList());
    assertNotEquals(documents.stream().sorted().toList(), documents);
  }

  private List<String> documents(DatasetManifest manifest, String output) throws IOException {
    List<String> documents = new ArrayList<>();
    for (StoredDataset.Row row : rows(manifest, output, "train")) {
      assertTrue(row.ids().size() <= 64);
      assertEquals(row.ids().size(), row.lossMask().size());
      for (int d = 0; d < row.starts().size(); d++) {
        int end = d + 1 < row.starts().size() ? row.starts().get(d + 1) : row.ids().size();
        List<Integer> ids = row.ids().subList(row.starts().get(d), end);
        documents.add(tokenizer.decode(ids.stream().mapToInt(Integer::intValue).toArray(), false));
      }
    }
    return documents;
  }

  @Test
  void shouldKeepTheGivenOrderAcrossPieces() throws IOException {
    StringBuilder text = new StringBuilder();
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      text.append("{\"text\": \"number ").append(i).append("\"}\n");
      expected.add("number " + i + "<|im_end|>");
    }
    Path file = write("ordered.jsonl", text.toString());
    DatasetManifest manifest =
        PreparePipeline.prepare(
            LocalSpark.session(),
            options(dataset(List.of(source(file)), false, false, 0, 0), "out"),
            1000);
    assertTrue(manifest.splits().get("train").parts().size() > 5);
    assertEquals(
        expected, rows(manifest, "out", "train").stream().map(PreparePipelineTest::text).toList());
  }

  @Test
  void shouldTruncateWhenToldTo() throws IOException {
    Path file = write("long.jsonl", "{\"text\": \"" + "x ".repeat(100) + "\"}\n");
    DatasetOptions dataset =
        new DatasetOptions(
            DatasetOptions.Kind.SFT,
            List.of(source(file)),
            16,
            true,
            true,
            0,
            0,
            TrainOn.ALL,
            "auto",
            OnLong.TRUNCATE,
            true);
    assertEquals(16, prepare(dataset, "out").splits().get("train").tokens());
  }

  @Test
  void shouldFailAboveTheRejectRatioAndLeaveNothingBehind() throws IOException {
    Path file = write("half.jsonl", "{\"text\": \"hello there\"}\n{\"text\": 5}\n");
    SparktuneException e =
        assertThrows(
            SparktuneException.class,
            () -> prepare(dataset(List.of(source(file)), true, true, 0, 0.4), "out"));
    assertEquals(ErrorCode.BAD_DATA, e.code());
    assertTrue(e.getMessage().contains("half.jsonl:2: "), e.getMessage());
    assertOnly("half.jsonl");
  }

  private void assertOnly(String... names) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(
          List.of(names), files.map(path -> path.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void shouldRefuseDataWithNothingToTrainOn() throws IOException {
    Path empty = write("empty.jsonl", "");
    Path masked = write("masked.jsonl", "{\"input_ids\": [1, 2], \"labels\": [-100, -100]}\n");
    for (Path file : List.of(empty, masked)) {
      SparktuneException e =
          assertThrows(
              SparktuneException.class,
              () -> prepare(dataset(List.of(source(file)), true, true, 0, 1), "out"));
      assertEquals(ErrorCode.BAD_DATA, e.code());
    }
    assertOnly("empty.jsonl", "masked.jsonl");
  }

  @Test
  void shouldReportFilesThatCannotBeRead() throws IOException {
    Path prose = write("prose.txt", "Once upon a time\n");
    Path truncated = write("truncated.json", "[{\"text\": \"hello there\"}, {\"text\": ");
    Path gz = folder.resolve("truncated.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(gz))) {
      out.write("{\"text\": \"hello there you\"}\n".repeat(2000).getBytes(StandardCharsets.UTF_8));
    }
    byte[] whole = Files.readAllBytes(gz);
    Files.write(gz, java.util.Arrays.copyOf(whole, whole.length / 2));
    Path absent = folder.resolve("absent.jsonl");
    for (Path file : List.of(prose, truncated, gz, absent)) {
      SparktuneException e =
          assertThrows(
              SparktuneException.class,
              () -> prepare(dataset(List.of(source(file)), true, true, 0, 1), "out"),
              file::toString);
      assertEquals(ErrorCode.BAD_FILE, e.code(), e.getMessage());
      assertTrue(e.getMessage().contains(file.getFileName().toString()), e.getMessage());
    }
    assertFalse(Files.exists(folder.resolve("out")));
  }

  @Test
  void shouldAskForASchemaThatItCannotTell() throws IOException {
    Path file = write("odd.jsonl", "{\"question\": \"q\", \"answer\": \"a\"}\n");
    SparktuneException e =
        assertThrows(
            SparktuneException.class,
            () -> prepare(dataset(List.of(source(file)), true, true, 0, 1), "out"));
    assertEquals(ErrorCode.BAD_DATA, e.code());
    assertTrue(e.getMessage().contains("[answer, question]"), e.getMessage());
  }

  @Test
  void shouldSkipWhatIsPreparedAndRefuseOtherContent() throws IOException {
    Path file = write("data.jsonl", "{\"text\": \"hello there\"}\n");
    DatasetOptions dataset = dataset(List.of(source(file)), true, true, 0, 0);
    DatasetManifest first = prepare(dataset, "out");
    Path part = folder.resolve("out").resolve(first.splits().get("train").parts().get(0).path());
    var time = Files.getLastModifiedTime(part);
    assertEquals(first, prepare(dataset, "out"));
    assertEquals(time, Files.getLastModifiedTime(part));
    SparktuneException e =
        assertThrows(
            SparktuneException.class,
            () -> prepare(dataset(List.of(source(file)), false, true, 0, 0), "out"));
    assertEquals(ErrorCode.OUTPUT, e.code());
    Files.createDirectory(folder.resolve("fresh"));
    assertEquals(1, prepare(dataset, "fresh").splits().get("train").rows());
    assertOnly("data.jsonl", "fresh", "out");
  }

  @Test
  void shouldAskForATemplateWhenTheModelHasNone() throws IOException {
    Path bare = Files.createDirectory(folder.resolve("bare"));
    Files.copy(Path.of(model, "tokenizer.json"), bare.resolve("tokenizer.json"));
    Path file = write("chat.jsonl", "{\"instruction\": \"what\", \"output\": \"that\"}\n");
    for (String template : List.of("auto", "alpaca")) {
      DatasetOptions dataset =
          new DatasetOptions(
              DatasetOptions.Kind.SFT,
              List.of(source(file)),
              128,
              true,
              true,
              0,
              0,
              TrainOn.ASSISTANT,
              template,
              OnLong.REJECT,
              true);
      PrepareOptions options =
          PrepareOptions.of(dataset, folder.resolve("out").toString(), bare.toString(), 1);
      if (template.equals("auto")) {
        SparktuneException e =
            assertThrows(
                SparktuneException.class,
                () -> PreparePipeline.prepare(LocalSpark.session(), options));
        assertEquals(ErrorCode.INVALID_SPEC, e.code());
      } else {
        DatasetManifest manifest = PreparePipeline.prepare(LocalSpark.session(), options);
        assertEquals("that<|im_end|>", trained(rows(manifest, "out", "train").get(0)));
      }
    }
  }
}
