package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.optim.GradientListener;

/** Pairs whose prompt is computed once, beside the same pairs with a prompt each. */
class SharedPromptsTest {
  private static final Passage SHARED = Passage.PLAIN.sharingPrompts();
  private static final int[] PROMPTS = {9, 1, 14};
  private static final int[][] COMPLETIONS = {{5, 8}, {4, 3}, {6, 6}};

  @ParameterizedTest
  @CsvSource({
    "PLAIN, qwen2-tiny, false",
    "CPU_F32, qwen2-tiny, false",
    "CPU_F32, llama3-tiny, true",
    "CPU_F32, qwen3-tiny, true",
    "CPU_F32, phi3-longrope-tiny, false",
    "CPU_BF16, qwen2-tiny, false"
  })
  void shouldGiveTheScoresAndGradientsOfPromptsComputedTwice(
      EngineKind kind, String name, boolean full) {
    ReferenceModel model = new ReferenceModel(name);
    LoraConfig lora = LoraConfig.of(4, 8, new TargetModules.AllLinear());
    Tuning tuning = full ? Tuning.Full.everything() : new Tuning.Lora(lora, 1);
    Batch batch = pairs(model.config().vocabularySize());
    try (Engine engine = kind.open();
        Decoder decoder = model.load(engine, tuning)) {
      DecoderTrainable trainable = new DecoderTrainable(decoder);
      if (!full) {
        shake(trainable);
      }
      float[] slopes = random(new Random(6), batch.validTokens(), 1);

      Outcome apart = outcome(trainable, batch, slopes, Passage.PLAIN);
      Outcome shared = outcome(trainable, batch, slopes, SHARED);

      double tolerance = kind.isExact() ? 1e-5 : 2e-2;
      assertNear(apart.scores(), shared.scores(), tolerance);
      assertNear(apart.gradient(), shared.gradient(), tolerance);
      float[] inferred = decoder.scores(batch, SHARED);
      assertNear(apart.scores(), inferred, tolerance);
    }
  }

  @Test
  void shouldGiveRowsToAllTokensButTheSecondCopiesOfPrompts() {
    ReferenceModel model = new ReferenceModel("qwen2-tiny");
    Batch batch = pairs(model.config().vocabularySize());
    try (Engine engine = EngineKind.PLAIN.open();
        Decoder decoder = model.load(engine, new Tuning.Nothing())) {
      DocumentRows rows = DocumentRows.of(batch, SHARED, decoder.rope());
      // The prompt's last position predicts the completion's first token: it has a row of its own.
      assertEquals(batch.tokens().length - 8 - 13, rows.count());
      assertTrue(rows.isShared());
      for (int i = 0; i < rows.places().length; i++) {
        assertEquals(batch.tokens()[i], rows.tokens()[rows.places()[i]]);
      }
      assertFalse(DocumentRows.of(batch, Passage.PLAIN, decoder.rope()).isShared());
      Passage dropping = new Passage(true, 0.1f, 3).sharingPrompts();
      assertFalse(DocumentRows.of(batch, dropping, decoder.rope()).isShared());
    }
  }

  /** Where little is shared, two layers save less than the copies take. */
  @Test
  void shouldForeseeWhatAttentionCopies() {
    ReferenceModel model = new ReferenceModel("qwen2-tiny");
    Tuning tuning = new Tuning.Lora(LoraConfig.of(4, 8, new TargetModules.AllLinear()), 1);
    Batch batch = pairs(model.config().vocabularySize(), new int[] {16}, new int[][] {{44, 44}});
    BatchSize size = BatchSize.ofTokens(batch.tokens().length);
    try (Engine engine = EngineKind.CPU_F32.open();
        Decoder decoder = model.load(engine, tuning)) {
      decoder.scoresForGradient(batch, SHARED);
      MemoryEstimate apart = MemoryEstimate.training(model.config(), tuning, size, engine);
      MemoryEstimate estimate = apart.withSharedPrompts(model.config(), size, engine);
      assertTrue(decoder.workspaceBytes() <= estimate.activations() + estimate.head());
      assertTrue(decoder.workspaceBytes() > apart.activations() + apart.head());
    }
  }

  /** What a gradient's passage gives. */
  private record Outcome(float[] scores, float[] gradient) {}

  private static Outcome outcome(
      DecoderTrainable trainable, Batch batch, float[] slopes, Passage passage) {
    trainable.vectors().zero(trainable.gradients());
    float[] scores = trainable.decoder().scoresForGradient(batch, passage);
    trainable.decoder().scoresGradient(batch, slopes, passage, GradientListener.NONE);
    return new Outcome(scores, trainable.vectors().toArray(trainable.gradients()));
  }

  /** B is zero at first, and A would have no gradient. */
  private static void shake(DecoderTrainable trainable) {
    int size = Math.toIntExact(trainable.parameters().size());
    trainable.vectors().set(trainable.parameters(), random(new Random(5), size, 0.05));
    trainable.parametersChanged();
  }

  private static Batch pairs(int vocabulary) {
    return pairs(vocabulary, PROMPTS, COMPLETIONS);
  }

  private static Batch pairs(int vocabulary, int[] prompts, int[][] completions) {
    Random random = new Random(7);
    int documents = 2 * prompts.length;
    int[] starts = new int[documents + 1];
    int[] tokens = new int[200];
    int[] targets = new int[200];
    Arrays.fill(targets, Batch.IGNORED);
    int end = 0;
    for (int document = 0; document < documents; document++) {
      int prompt = prompts[document / 2];
      int completion = completions[document / 2][document % 2];
      for (int i = 0; i < prompt + completion; i++) {
        boolean same = document % 2 == 1 && i < prompt;
        tokens[end + i] = same ? tokens[starts[document - 1] + i] : random.nextInt(vocabulary);
        if (i >= prompt) {
          targets[end + i - 1] = tokens[end + i];
        }
      }
      end += prompt + completion;
      starts[document + 1] = end;
    }
    return new Batch(Arrays.copyOf(tokens, end), Arrays.copyOf(targets, end), starts);
  }

  private static float[] random(Random random, int count, double scale) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return values;
  }

  private static void assertNear(float[] expected, float[] actual, double tolerance) {
    assertEquals(expected.length, actual.length);
    double norm = 0;
    double difference = 0;
    for (int i = 0; i < expected.length; i++) {
      norm += (double) expected[i] * expected[i];
      difference += Math.pow((double) expected[i] - actual[i], 2);
    }
    assertTrue(norm > 0, "there is something to compare");
    assertTrue(
        Math.sqrt(difference / norm) <= tolerance,
        "differs by %g of its norm".formatted(Math.sqrt(difference / norm)));
  }
}
