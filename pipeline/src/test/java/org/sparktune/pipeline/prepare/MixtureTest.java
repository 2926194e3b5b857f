package org.sparktune.pipeline.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.DatasetManifest;
import org.sparktune.pipeline.sample.ContentHash;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.DatasetOptions.OnLong;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.pipeline.spec.DatasetOptions.Source;
import org.sparktune.pipeline.spec.DatasetOptions.TrainOn;
import org.sparktune.pipeline.spec.DatasetStages;
import org.sparktune.pipeline.spec.MixOptions;

class MixtureTest {
  private static final Map<String, Long> COUNTS = Map.of("large", 10_000L, "small", 100L);

  @Test
  void shouldMakeSourcesMoreAlikeAtHigherTemperatures() {
    // 100 : 10, and the small one whole: 1000 of the large.
    Mixture root = Mixture.of(new MixOptions(2, Map.of(), Map.of()), COUNTS, 1);
    assertEquals(0.1, root.shares().get("large"), 1e-12);
    assertEquals(1, root.shares().get("small"), 1e-12);
    Mixture weighted = Mixture.of(new MixOptions(1, Map.of("small", 0.5), Map.of()), COUNTS, 1);
    assertEquals(Map.of("large", 1.0, "small", 0.5), weighted.shares());
    Mixture capped = Mixture.of(new MixOptions(1, Map.of(), Map.of("large", 50)), COUNTS, 1);
    assertEquals(Map.of("large", 0.005, "small", 1.0), capped.shares());
    Mixture empty = Mixture.of(new MixOptions(2, Map.of(), Map.of()), Map.of("none", 0L), 1);
    assertEquals(1.0, empty.shares().get("none"));
  }

  @Test
  void shouldTakeTheShareAndOfASmallerOneAPart() {
    Mixture half = new Mixture(Map.of("a", 0.5), 3);
    Mixture tenth = new Mixture(Map.of("a", 0.1), 3);
    int inHalf = 0;
    int inTenth = 0;
    for (long record = 0; record < 20_000; record++) {
      long hash = ContentHash.mix(record);
      inHalf += half.takes("a", hash) ? 1 : 0;
      inTenth += tenth.takes("a", hash) ? 1 : 0;
      assertTrue(!tenth.takes("a", hash) || half.takes("a", hash));
      assertTrue(half.takes("b", hash), "a source that is not named is taken whole");
    }
    assertEquals(10_000, inHalf, 300);
    assertEquals(2000, inTenth, 180);
  }

  @Test
  void shouldMixSources(@TempDir Path folder) throws IOException, URISyntaxException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 1600; i++) {
      lines.add("{\"text\": \"number %d\"}".formatted(i));
    }
    Path large = Files.write(folder.resolve("large.jsonl"), lines);
    Path small = Files.writeString(folder.resolve("small.jsonl"), "{\"text\": \"the only one\"}\n");
    DatasetOptions dataset =
        new DatasetOptions(
                Kind.SFT,
                List.of(
                    new Source(large.toString(), Schema.AUTO, Map.of(), "large"),
                    new Source(small.toString(), Schema.AUTO, Map.of(), "small")),
                64,
                true,
                true,
                0,
                0,
                TrainOn.ASSISTANT,
                "auto",
                OnLong.REJECT,
                true)
            .withStages(
                DatasetStages.NONE.withMix(new MixOptions(1, Map.of(), Map.of("large", 400))));
    String model = Path.of(MixtureTest.class.getResource("/model").toURI()).toString();
    DatasetManifest manifest =
        PreparePipeline.prepare(
            LocalSpark.session(),
            new PrepareOptions(
                dataset,
                folder.resolve("out").toString(),
                model,
                7,
                2,
                1 << 16,
                LocalDateTime.of(2024, 7, 4, 9, 5)));
    long documents = manifest.splits().get("train").documents();
    long leftOut = manifest.counters().get("mix.left_out.large");
    assertEquals(1601, documents + leftOut);
    assertEquals(401.0, (double) documents, 70.0);
    assertEquals(Map.of(), manifest.rejects());
  }
}
