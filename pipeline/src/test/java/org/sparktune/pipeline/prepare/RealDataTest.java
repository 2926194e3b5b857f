package org.sparktune.pipeline.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.DatasetManifest;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.DatasetOptions.OnLong;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.pipeline.spec.DatasetOptions.Source;
import org.sparktune.pipeline.spec.DatasetOptions.TrainOn;

/** Instructions, tool calls and preferences that others published, English and Chinese. */
class RealDataTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "alpaca_en_demo.json, SFT",
    "alpaca_zh_demo.json, SFT",
    "glaive_toolcall_en_demo.json, SFT",
    "glaive_toolcall_zh_demo.json, SFT",
    "identity.json, SFT",
    "v1_sft_demo.jsonl, SFT",
    "dpo_zh_demo.json, PREFERENCE",
    "v1_dpo_demo.jsonl, PREFERENCE",
  })
  void shouldUseEveryRecordThatIsNotTooLong(String name, Kind kind)
      throws IOException, URISyntaxException {
    Path shared = Path.of(System.getProperty("sparktune.shared", "../shared"));
    Path file = shared.resolve("assets/data/instruction-and-preference").resolve(name);
    Assumptions.assumeTrue(Files.exists(file), "there is no " + file);
    long[] records = countRecords(file);

    DatasetManifest manifest = prepare(file, kind);

    assertEquals(records[0], manifest.recordsRead());
    assertTrue(
        Set.of("too_long", "empty").containsAll(manifest.rejects().keySet()),
        manifest.rejects()::toString);
    assertTrue(manifest.rejects().getOrDefault("empty", 0L) <= records[1], () -> "empty answers");
    long used = records[0] - manifest.rejects().values().stream().mapToLong(n -> n).sum();
    DatasetManifest.Split train = manifest.splits().get("train");
    assertEquals(kind == Kind.PREFERENCE ? 2 * used : used, train.documents());
    assertTrue(train.lossTokens() > 0 && train.lossTokens() < train.tokens());
  }

  private DatasetManifest prepare(Path file, Kind kind) throws URISyntaxException {
    DatasetOptions dataset =
        new DatasetOptions(
            kind,
            List.of(new Source(file.toString(), Schema.AUTO, Map.of())),
            8192,
            true,
            true,
            0,
            0.5,
            TrainOn.ASSISTANT,
            "auto",
            OnLong.REJECT,
            true);
    String model = Path.of(RealDataTest.class.getResource("/model").toURI()).toString();
    LocalDateTime now = LocalDateTime.of(2024, 7, 4, 9, 5);
    return PreparePipeline.prepare(
        LocalSpark.session(),
        new PrepareOptions(dataset, folder.resolve("out").toString(), model, 7, 2, 1 << 22, now));
  }

  /** How many records a JSON array or JSON lines hold, and how many of them have an empty text. */
  private static long[] countRecords(Path file) throws IOException {
    long[] counts = new long[2];
    try (MappingIterator<Map<String, Object>> records =
        JSON.readerFor(Map.class).readValues(file.toFile())) {
      while (records.hasNext()) {
        counts[0]++;
        counts[1] += records.next().containsValue("") ? 1 : 0;
      }
    }
    return counts;
  }
}
