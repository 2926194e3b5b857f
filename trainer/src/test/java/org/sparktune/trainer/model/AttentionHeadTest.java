package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;
import org.sparktune.trainer.optim.ParameterLayout;

/** The attention head beside its formula in doubles, and beside differences of that. */
class AttentionHeadTest {
  private static final int WIDTH = 12;

  /** Documents of 1, 7 and 5 tokens, of which the last 2 are padding. */
  private static final int[] STARTS = {0, 1, 8, 13};

  private static final int[] LASTS = {0, 7, 10};
  private static final int READ = 11;
  private static final float[] SLOPES = {0.7f, -1.3f, 0.4f};
  private static final double STEP = 1e-5;

  @ParameterizedTest
  @EnumSource(
      value = EngineKind.class,
      names = {"CPU_F32", "PLAIN"})
  void shouldGiveTheScoresAndTheGradientOfTheFormula(EngineKind kind) {
    ParameterLayout layout = layout();
    double[] parameters = random(7, (int) layout.size(), 0.6);
    double[] rows = random(8, READ * WIDTH, 1);
    try (Engine engine = kind.open();
        TensorArena arena = engine.arena("test")) {
      TrainedParameters trained = new TrainedParameters(layout, engine);
      engine.set(trained.values(), floats(parameters));
      engine.fill(trained.gradients(), 0);
      AttentionHead head = new AttentionHead(engine, trained, AttentionHead.MODULE, WIDTH);
      DocumentHead.Rows read = head.rows(STARTS, LASTS);
      assertArrayEquals(new int[] {0, 1, 8, READ}, read.starts());
      assertArrayEquals(new int[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, read.positions());
      Tensor normed = arena.allocate(DType.F32, READ, WIDTH);
      engine.set(normed, floats(rows));
      Tensor dNormed = arena.allocate(DType.F32, READ, WIDTH);
      engine.fill(dNormed, Float.NaN);

      float[] scores = head.scores(normed, read);
      assertArrayEquals(floats(plain(layout, parameters, rows)), scores, 1e-5f);
      head.gradient(normed, read, SLOPES, dNormed, false);
      float[] gradient = engine.toArray(trained.gradients());
      for (ParameterLayout.Entry entry : layout.entries()) {
        for (int i = (int) entry.offset(); i < entry.offset() + entry.size(); i++) {
          double slope = slope(layout, parameters, rows, parameters, i);
          assertEquals(slope, gradient[i], 2e-4, entry.name() + " " + (i - entry.offset()));
        }
      }
      float[] dRows = engine.toArray(dNormed);
      for (int i = 0; i < dRows.length; i++) {
        assertEquals(slope(layout, parameters, rows, rows, i), dRows[i], 2e-4, "row element " + i);
      }
      head.gradient(normed, read, SLOPES, dNormed, true);
      float[] twice = engine.toArray(trained.gradients());
      for (int i = 0; i < twice.length; i++) {
        assertEquals(2 * gradient[i], twice[i], 1e-4, "gradients add up");
      }
      float[] rowsTwice = engine.toArray(dNormed);
      for (int i = 0; i < dRows.length; i++) {
        assertEquals(2 * dRows[i], rowsTwice[i], 1e-4, "gradients of rows add up");
      }
    }
  }

  @Test
  void shouldStartWithEqualScoresAndTheSameParametersForASeed() {
    LoraConfig lora =
        new LoraConfig(
            2,
            4,
            0,
            new TargetModules.AllLinear(),
            false,
            false,
            Map.of(),
            Map.of(),
            List.of(AttentionHead.MODULE),
            LoraConfig.Initialization.KAIMING_UNIFORM,
            List.of());
    ReferenceModel model = new ReferenceModel("qwen2-tiny");
    float[][] first = new float[2][];
    for (int i = 0; i < 2; i++) {
      try (Engine engine = EngineKind.CPU_F32.open();
          Decoder decoder = model.load(engine, new Tuning.Lora(lora, 5))) {
        ScoredDecoder scored = new ScoredDecoder(decoder, OptionalInt.empty());
        assertArrayEquals(new float[3], scored.opinions(model.batch().batch()));
        first[i] = engine.toArray(decoder.trained().values());
      }
    }
    assertArrayEquals(first[0], first[1]);
  }

  private static ParameterLayout layout() {
    ParameterLayout layout = new ParameterLayout();
    AttentionHead.addTo(layout, new Tuning.Nothing(), AttentionHead.MODULE, WIDTH);
    return layout;
  }

  private static double[] random(long seed, int count, double scale) {
    Random random = new Random(seed);
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      // What a float holds, so that both sides read the same numbers.
      values[i] = (float) (scale * random.nextGaussian());
    }
    return values;
  }

  private static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  /** The slope of SLOPES · scores by one element of the parameters or the rows. */
  private static double slope(
      ParameterLayout layout, double[] parameters, double[] rows, double[] varied, int element) {
    double value = varied[element];
    varied[element] = value + STEP;
    double above = weighted(plain(layout, parameters, rows));
    varied[element] = value - STEP;
    double below = weighted(plain(layout, parameters, rows));
    varied[element] = value;
    return (above - below) / (2 * STEP);
  }

  private static double weighted(double[] scores) {
    double sum = 0;
    for (int i = 0; i < scores.length; i++) {
      sum += SLOPES[i] * scores[i];
    }
    return sum;
  }

  /** Queries, keys and values of every token, as attention is usually written. */
  private static double[] plain(ParameterLayout layout, double[] parameters, double[] rows) {
    int[] ends = {0, 1, 8, READ};
    double[] scores = new double[3];
    for (int document = 0; document < 3; document++) {
      int from = ends[document];
      int to = ends[document + 1];
      double[] last = row(rows, to - 1);
      double[] query = times(layout, parameters, "query", last);
      double[] weights = new double[to - from];
      double sum = 0;
      for (int i = 0; i < weights.length; i++) {
        double[] key = times(layout, parameters, "key", row(rows, from + i));
        double logit = 0;
        for (int j = 0; j < WIDTH; j++) {
          logit += query[j] * key[j] / Math.sqrt(WIDTH);
        }
        weights[i] = Math.exp(logit);
        sum += weights[i];
      }
      double[] output = last;
      for (int i = 0; i < weights.length; i++) {
        double[] value = times(layout, parameters, "value", row(rows, from + i));
        for (int j = 0; j < WIDTH; j++) {
          output[j] += weights[i] / sum * value[j];
        }
      }
      scores[document] = projected(layout, parameters, output);
    }
    return scores;
  }

  private static double projected(ParameterLayout layout, double[] parameters, double[] row) {
    double mean = 0;
    for (double value : row) {
      mean += value / WIDTH;
    }
    double variance = 0;
    for (double value : row) {
      variance += (value - mean) * (value - mean) / WIDTH;
    }
    int weight = offset(layout, "norm.weight");
    int bias = offset(layout, "norm.bias");
    int projection = offset(layout, "score.weight");
    double score = 0;
    for (int j = 0; j < WIDTH; j++) {
      double normalized = (row[j] - mean) / Math.sqrt(variance + 1e-5);
      score +=
          (normalized * parameters[weight + j] + parameters[bias + j]) * parameters[projection + j];
    }
    return score;
  }

  private static double[] times(
      ParameterLayout layout, double[] parameters, String name, double[] row) {
    int offset = offset(layout, name + ".weight");
    double[] product = new double[WIDTH];
    for (int i = 0; i < WIDTH; i++) {
      for (int j = 0; j < WIDTH; j++) {
        product[i] += parameters[offset + i * WIDTH + j] * row[j];
      }
    }
    return product;
  }

  private static double[] row(double[] rows, int row) {
    double[] copy = new double[WIDTH];
    System.arraycopy(rows, row * WIDTH, copy, 0, WIDTH);
    return copy;
  }

  private static int offset(ParameterLayout layout, String name) {
    for (ParameterLayout.Entry entry : layout.entries()) {
      if (entry.name().equals(AttentionHead.MODULE + "." + name)) {
        return (int) entry.offset();
      }
    }
    throw new IllegalArgumentException(name);
  }
}
