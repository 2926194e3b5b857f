package org.sparktune.trainer.dl4j.student;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.dl4j.NativeThreads;
import org.sparktune.trainer.objective.distill.DistillationLoss;

class StudentTest {
  private static final int VOCABULARY = 37;
  private static final ScoreClasses CLASSES = new ScoreClasses(2, 0.5, 3, 9);
  private static final StudentInputs INPUTS = new StudentInputs(8);

  @Test
  void shouldGiveAScoreBackFromItsDistribution() {
    for (double score = 0.9; score < 3.1; score += 0.07) {
      float[] logits = CLASSES.logits(score);
      float[] probabilities = new float[logits.length];
      for (int i = 0; i < logits.length; i++) {
        probabilities[i] = (float) Math.exp(logits[i]);
      }
      // Near the ends a part of the normal distribution is cut off.
      double tolerance = Math.abs(score - 2) < 0.4 ? 2e-3 : 0.15;
      assertEquals(score, CLASSES.score(probabilities), tolerance);
    }
    assertEquals(0, CLASSES.classOf(-100));
    assertEquals(4, CLASSES.classOf(2));
    assertEquals(8, CLASSES.classOf(100));
  }

  @Test
  void shouldHaveTheGradientOfItsLoss() {
    int moved = NativeThreads.one(StudentTest::compareGradients);
    assertTrue(moved > 20, "most parameters have no influence: " + moved);
  }

  /** How many of the compared parameters have an influence. */
  private static int compareGradients() {
    ComputationGraph network = network(new Adam(1e-3));
    MultiDataSet batch = batch(new Random(5), 3);
    network.setInputs(batch.getFeatures());
    network.setLabels(batch.getLabels());
    network.setLayerMaskArrays(batch.getFeaturesMaskArrays(), null);
    // The embeddings start so small that the normalization behind them bends within a step.
    INDArray parameters = network.params();
    parameters.muli(10);
    network.computeGradientAndScore();
    float[] gradient = network.getFlattenedGradients().ravel().toFloatVector();
    Random random = new Random(6);
    double step = 2e-3;
    int moved = 0;
    for (int i = 0; i < 80; i++) {
      int at = random.nextInt(gradient.length);
      double value = parameters.getDouble(at);
      parameters.putScalar(at, value + step);
      double above = network.score(batch, true);
      parameters.putScalar(at, value - step);
      double below = network.score(batch, true);
      parameters.putScalar(at, value);
      double slope = (above - below) / (2 * step);
      // DL4J's gradient is the sum over the three examples, its score their mean.
      assertEquals(slope, gradient[at] / 3, 0.02 + 0.02 * Math.abs(slope), "parameter " + at);
      moved += Math.abs(slope) > 1e-2 ? 1 : 0;
    }
    return moved;
  }

  @Test
  void shouldNotSeeWhatOthersArePaddedTo() {
    Student student = student(network(new Adam(1e-3)));
    Random random = new Random(7);
    List<int[]> documents = new ArrayList<>();
    for (int length : new int[] {1, 3, 8, 20, 5}) {
      documents.add(random.ints(length, 0, VOCABULARY).toArray());
    }
    StudentScorer scorer = student.scorer();
    float[][] together = student.probabilities(documents);
    for (int i = 0; i < together.length; i++) {
      float[] alone = student.probabilities(List.of(documents.get(i)))[0];
      assertArrayEquals(alone, together[i], 1e-5f);
    }
    int[] longest = documents.get(3);
    int[] end = java.util.Arrays.copyOfRange(longest, 12, 20);
    assertArrayEquals(scorer.probabilities(longest), scorer.probabilities(end), "the last eight");
  }

  @ParameterizedTest
  @CsvSource({"1, 2, 1, 2", "5, 7, 3, 4", "16, 13, 9, 9", "32, 96, 15, 150", "64, 256, 15, 256"})
  void shouldScoreAsDl4jDoes(int hidden, int maxTokens, int classes, int longest) {
    Random random = new Random(hidden);
    ComputationGraph network =
        new ComputationGraph(
            StudentGraph.configuration(
                new StudentShape(VOCABULARY, hidden, maxTokens, Math.max(2, classes)),
                new DistillationLoss(0.5, 2),
                new Adam(1e-3),
                hidden));
    network.init();
    // Trained ones are far from where they began: none of these is near 0 or 1.
    float[] parameters = new float[Math.toIntExact(network.numParams())];
    for (int i = 0; i < parameters.length; i++) {
      parameters[i] = (float) (random.nextGaussian() * 0.7 / Math.sqrt(Math.max(4, hidden)));
    }
    network.setParams(Nd4j.createFromArray(parameters));
    ScoreClasses scores = new ScoreClasses(2, 0.5, 3, Math.max(2, classes));
    Student student =
        new Student(
            network,
            new StudentManifest(1, VOCABULARY, hidden, maxTokens, scores, 0.5, 2, "", true));
    StudentScorer scorer = student.scorer();
    for (int length = 1; length <= longest; length += 1 + length / 2) {
      int[] document = random.ints(length, 0, VOCABULARY).toArray();
      float[] expected = student.probabilities(List.of(document))[0];
      assertArrayEquals(expected, scorer.probabilities(document), 2e-5f, length + " tokens");
      assertEquals(scores.score(expected), scorer.score(document), 1e-4);
    }
  }

  @Test
  void shouldLearnAndComeBackFromItsFolder(@TempDir Path folder) throws IOException {
    ComputationGraph network = network(new Adam(1e-2));
    MultiDataSet batch = batch(new Random(8), 16);
    double before = network.score(batch);
    NativeThreads.one(
        () -> {
          for (int step = 0; step < 60; step++) {
            network.fit(batch);
          }
          return null;
        });
    assertTrue(network.score(batch) < before / 2, before + " → " + network.score(batch));
    Student student = student(network);
    student.save(folder);
    assertTrue(Student.isIn(folder));
    Student loaded = Student.load(folder);
    assertEquals(student.manifest(), loaded.manifest());
    Map<String, long[]> shapes = loaded.manifest().parameterShapes();
    assertEquals(loaded.graph().paramTable().keySet(), shapes.keySet());
    loaded
        .graph()
        .paramTable()
        .forEach((name, values) -> assertArrayEquals(values.shape(), shapes.get(name), name));
    for (int[] document : new int[][] {{1, 2, 3}, {30}}) {
      assertEquals(student.scorer().score(document), loaded.scorer().score(document));
    }
  }

  @Test
  void shouldRefuseADamagedFolder(@TempDir Path folder) throws IOException {
    student(network(new Adam(1e-3))).save(folder);
    Files.writeString(folder.resolve("student.json"), "{\"format_version\": 2}");
    assertEquals(
        ErrorCode.UNSUPPORTED,
        assertThrows(SparktuneException.class, () -> Student.load(folder)).code());
    Files.writeString(folder.resolve("student.json"), "{");
    assertEquals(
        ErrorCode.BAD_FILE,
        assertThrows(SparktuneException.class, () -> Student.load(folder)).code());
  }

  private static ComputationGraph network(Adam updater) {
    ComputationGraph network =
        new ComputationGraph(
            StudentGraph.configuration(
                new StudentShape(VOCABULARY, 6, INPUTS.maxTokens(), CLASSES.count()),
                new DistillationLoss(0.5, 2),
                updater,
                3));
    network.init();
    return network;
  }

  private static Student student(ComputationGraph network) {
    return new Student(
        network,
        new StudentManifest(
            StudentManifest.VERSION,
            VOCABULARY,
            6,
            INPUTS.maxTokens(),
            CLASSES,
            0.5,
            2,
            "fingerprint",
            true));
  }

  private static MultiDataSet batch(Random random, int size) {
    List<org.nd4j.linalg.dataset.api.MultiDataSet> examples = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      int[] ids = random.ints(1 + random.nextInt(8), 0, VOCABULARY).toArray();
      double score = 1 + 2.0 * ids[0] / VOCABULARY;
      examples.add(INPUTS.example(ids, CLASSES.classOf(score), CLASSES.logits(score)));
    }
    return MultiDataSet.merge(examples);
  }
}
