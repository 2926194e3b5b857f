package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/** What several parity tests compare. */
final class ParityAssertions {
  static final double LOGIT_TOLERANCE = 2e-4;

  private ParityAssertions() {}

  /** All logits of a batch against those of a padded one. */
  static void assertLogits(
      Decoder decoder, ReferenceModel.Unpadded documents, float[] expected, double tolerance) {
    int vocabulary = decoder.config().vocabularySize();
    float[] logits = logits(decoder, documents.batch());
    for (int i = 0; i < documents.paddedPositions().length; i++) {
      for (int token = 0; token < vocabulary; token++) {
        assertEquals(
            expected[documents.paddedPositions()[i] * vocabulary + token],
            logits[i * vocabulary + token],
            tolerance,
            "token %d at position %d".formatted(token, i));
      }
    }
  }

  /** {@code (N, V)}. */
  static float[] logits(Decoder decoder, Batch batch) {
    int count = batch.tokens().length;
    try (Arena arena = new Arena("logits")) {
      Tensor logits = arena.allocate(DType.F32, count, decoder.config().vocabularySize());
      decoder.logits(batch, IntStream.range(0, count).toArray(), logits);
      return logits.toFloatArray();
    }
  }

  /** Documents without targets and without padding. */
  static ReferenceModel.Unpadded untargeted(int[] tokens, int... documentStarts) {
    int[] targets = new int[tokens.length];
    Arrays.fill(targets, Batch.IGNORED);
    return new ReferenceModel.Unpadded(
        new Batch(tokens, targets, documentStarts), IntStream.range(0, tokens.length).toArray());
  }
}
