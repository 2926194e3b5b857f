package org.sparktune.pipeline.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.DatasetManifest;
import org.sparktune.pipeline.spec.CurriculumOptions;
import org.sparktune.pipeline.spec.CurriculumOptions.By;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.DatasetOptions.OnLong;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.pipeline.spec.DatasetOptions.Source;
import org.sparktune.pipeline.spec.DatasetOptions.TrainOn;
import org.sparktune.pipeline.spec.DatasetStages;

class CurriculumTest {
  private static final int RECORDS = 900;
  private static final long PIECE_BYTES = 1 << 14;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shouldOrderDocumentsByLengthOverAllParts(boolean descending) throws Exception {
    CurriculumOptions options = new CurriculumOptions(By.LENGTH, descending);
    DatasetManifest.Split train = prepare(Kind.SFT, options, "out").splits().get("train");

    List<Integer> lengths = new ArrayList<>();
    for (StoredDataset.Row row : StoredDataset.rows(folder.resolve("out").toString(), train)) {
      lengths.add(row.ids().size());
    }
    List<Integer> sorted = new ArrayList<>(lengths);
    sorted.sort(descending ? Collections.reverseOrder() : null);
    assertEquals(sorted, lengths);
    assertEquals(RECORDS, lengths.size());
    assertTrue(sorted.get(0) - sorted.get(RECORDS - 1) != 0, "there is something to order");
    long[] sizes = train.parts().stream().mapToLong(DatasetManifest.Part::rows).toArray();
    assertTrue(sizes.length > 2, "over several parts");
    for (long size : sizes) {
      assertEquals((double) RECORDS / sizes.length, (double) size, 0.5 * RECORDS / sizes.length);
    }
  }

  @Test
  void shouldOrderDocumentsByScore() throws Exception {
    CurriculumOptions options = new CurriculumOptions(By.SCORE, false);
    DatasetManifest manifest = prepare(Kind.REWARD, options, "out");

    List<Float> scores = new ArrayList<>();
    StoredDataset.floats(
            folder.resolve("out").toString(), manifest.splits().get("train"), "document_scores")
        .forEach(scores::addAll);
    assertEquals(RECORDS, scores.size());
    assertTrue(scores.get(0) < -2 && scores.get(RECORDS - 1) > 2);
    for (int i = 1; i < RECORDS; i++) {
      // Seven bits of mantissa decide at which end of a part a score stands.
      float last = scores.get(i - 1);
      assertTrue(scores.get(i) >= last - Math.abs(last) / 128, last + " and " + scores.get(i));
    }
    assertEquals("score, ascending", manifest.options().get("curriculum"));
    assertEquals("false", manifest.options().get("shuffle"), "trainers keep the order");
  }

  private DatasetManifest prepare(Kind kind, CurriculumOptions curriculum, String output)
      throws IOException, URISyntaxException {
    Random random = new Random(3);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < RECORDS; i++) {
      String text = "word ".repeat(1 + random.nextInt(40)) + i;
      lines.add(
          "{\"prompt\": \"%d\", \"response\": \"%s\", \"score\": %s}"
              .formatted(i, text, random.nextGaussian()));
    }
    Path file = Files.write(folder.resolve("data.jsonl"), lines);
    DatasetOptions dataset =
        new DatasetOptions(
                kind,
                List.of(new Source(file.toString(), Schema.AUTO, Map.of())),
                256,
                false,
                false,
                0,
                0,
                TrainOn.ASSISTANT,
                "auto",
                OnLong.REJECT,
                true)
            .withStages(DatasetStages.NONE.withCurriculum(curriculum));
    String model = Path.of(CurriculumTest.class.getResource("/model").toURI()).toString();
    return PreparePipeline.prepare(
        LocalSpark.session(),
        new PrepareOptions(
            dataset,
            folder.resolve(output).toString(),
            model,
            7,
            2,
            1 << 20,
            LocalDateTime.of(2024, 7, 4, 9, 5)),
        PIECE_BYTES);
  }
}
