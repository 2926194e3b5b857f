package org.sparktune.pipeline.spec;

import org.sparktune.pipeline.spec.RewardModelOptions.Head;
import org.sparktune.pipeline.spec.RewardModelOptions.Loss;

/** Reads the {@code reward} group of hyperparameters. */
final class RewardModelReader {
  private static final int MOST_HEADS = 32;

  private RewardModelReader() {}

  static RewardModelOptions read(MappingReader reader) {
    Loss loss = reader.word("loss", Loss.BRADLEY_TERRY);
    RewardModelOptions options =
        new RewardModelOptions(
            reader.word("head", Head.LINEAR),
            (int) reader.integer("ensemble", 1, 1, MOST_HEADS),
            loss,
            reader.decimal("centring", 0, Range.NOT_NEGATIVE),
            reader.flag("margins", false));
    if (loss == Loss.REGRESSION) {
      refuse(reader, "centring");
      refuse(reader, "margins");
    }
    reader.finish();
    return options;
  }

  private static void refuse(MappingReader reader, String key) {
    if (reader.has(key)) {
      reader.problem(
          key,
          "'%s' means nothing to the loss 'regression', which reads no pairs.".formatted(key),
          "Remove it, or use bradley_terry.");
    }
  }
}
