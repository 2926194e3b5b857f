package org.sparktune.pipeline.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringReader;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.DatasetManifest.Quarantined;
import org.sparktune.core.DatasetManifest.Split;
import org.sparktune.pipeline.sample.Document;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

class DatasetReportTest {
  private static final String EVIL = "</pre><script src='http://x'>alert(1)</script>";

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  private static Document document(RandomGenerator random) {
    int[] ids = random.ints(2 + random.nextInt(600), 0, 50).toArray();
    byte[] mask = new byte[ids.length];
    Arrays.fill(mask, ids.length / 2, ids.length, (byte) 1);
    return new Document(ids, mask).withScore((float) random.nextGaussian());
  }

  private static DatasetManifest manifest(String kind) {
    return new DatasetManifest(
        1,
        kind,
        "sha256:t",
        "",
        50,
        64,
        7,
        Map.of(),
        Map.of("train", new Split(List.of(), 10, 5, 250, 100)),
        12,
        Map.of("malformed_json", 2L),
        List.of(),
        "sha256:s",
        Map.of("language.eng", 9L, "masked.email", 3L),
        Map.of(EVIL, new DatasetManifest.Scores(3, 0.5, 0.1, 0, 1, 0.5, 0.1)),
        null,
        List.of(new Quarantined("/data/" + EVIL, "it ends \"too\" early & so on", 5)),
        null);
  }

  private static void requireWellFormed(String page) {
    try {
      DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
      factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
      factory.newDocumentBuilder().parse(new InputSource(new StringReader(page)));
    } catch (SAXException | IOException | ParserConfigurationException e) {
      throw new AssertionError(page, e);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"sft", "reward", "preference", "prompt"})
  void shouldShowWhatThereIsAndRunNothing(String kind) {
    RandomGenerator random = random(1);
    DocumentDigest digest = new DocumentDigest();
    for (int i = 0; i < 100; i++) {
      Document document = document(random);
      digest.add(
          kind.equals("preference") ? Document.pair(document, document(random), 0.5f) : document);
    }
    String page = DatasetReport.of(manifest(kind), digest, ids -> EVIL + "\u0000" + ids.length);
    requireWellFormed(page);
    assertFalse(page.contains("<script"), "escaped");
    assertFalse(page.contains("src=\""), "nothing from elsewhere");
    assertFalse(page.contains("href"), "nothing from elsewhere");
    assertTrue(page.contains("malformed_json"), page);
    assertTrue(page.contains("ISO 639-3"), page);
    assertTrue(page.contains("masked.email"), page);
    assertTrue(page.contains("&lt;script src=&#39;"), page);
    assertTrue(page.contains("78.1 %"), page);
    assertEquals(kind.equals("reward"), page.contains("Scores, normalized"));
    assertEquals(kind.equals("preference"), page.contains("and rejected:"));
  }

  @Test
  void shouldShowADatasetWithoutDocuments() {
    requireWellFormed(DatasetReport.of(manifest("sft"), new DocumentDigest(), ids -> ""));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void shouldSumUpTheSameHoweverDocumentsAreDivided(long seed) {
    RandomGenerator random = random(seed);
    DocumentDigest whole = new DocumentDigest();
    DocumentDigest[] parts = new DocumentDigest[5];
    Arrays.setAll(parts, i -> new DocumentDigest());
    for (int i = 0; i < 500; i++) {
      Document document = document(random);
      whole.add(document);
      parts[random.nextInt(parts.length)].add(document);
    }
    DocumentDigest merged = new DocumentDigest();
    for (int i = parts.length - 1; i >= 0; i--) {
      merged.merge(parts[i]);
    }
    String page = DatasetReport.of(manifest("reward"), whole, Arrays::toString);
    assertEquals(page, DatasetReport.of(manifest("reward"), merged, Arrays::toString));
    assertEquals(6, whole.samples().size());
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-6, 0.3, 1, 255.5, 1e9})
  void shouldCountNumbersOfAnySize(double size) {
    RandomGenerator random = random(9);
    Histogram histogram = new Histogram();
    double[] values = random.doubles(1000, -size, size).toArray();
    for (double value : values) {
      histogram.add(value);
    }
    histogram.add(Double.NaN);
    histogram.add(Double.POSITIVE_INFINITY);
    assertEquals(1000, histogram.total());
    long counted = 0;
    for (int bin = 0; bin < histogram.bins(); bin++) {
      long expected = 0;
      for (double value : values) {
        boolean inside =
            value >= histogram.low(bin) && value < histogram.low(bin) + histogram.width();
        expected += inside ? 1 : 0;
      }
      assertEquals(expected, histogram.count(bin));
      counted += expected;
    }
    assertEquals(1000, counted);
  }
}
