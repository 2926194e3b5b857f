package org.sparktune.pipeline.spec;

import java.util.Locale;
import org.sparktune.pipeline.spec.CurriculumOptions.By;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;

/** Reads the group {@code curriculum} of a dataset. */
final class CurriculumReader {
  private CurriculumReader() {}

  private enum Order {
    ASCENDING,
    DESCENDING
  }

  /**
   * @param kind what the records are
   */
  static CurriculumOptions read(MappingReader dataset, Kind kind) {
    if (!dataset.has("curriculum")) {
      return CurriculumOptions.NONE;
    }
    if (dataset.has("pairs")) {
      dataset.problem(
          "curriculum",
          "'curriculum' together with 'pairs' is not supported.",
          "Remove it; it orders pairs that come as pairs.");
    }
    if (dataset.has("shuffle") && dataset.flag("shuffle", false)) {
      dataset.problem(
          "curriculum",
          "'curriculum' and 'shuffle: true' ask for two orders.",
          "Remove one of them.");
    }
    MappingReader reader = dataset.mappingOrEmpty("curriculum");
    By by = reader.require("by") ? reader.word("by", By.NOTHING) : By.NOTHING;
    boolean descending = reader.word("order", Order.ASCENDING) == Order.DESCENDING;
    requireKind(reader, by, By.SCORE, kind, Kind.REWARD);
    requireKind(reader, by, By.MARGIN, kind, Kind.PREFERENCE);
    reader.finish();
    return new CurriculumOptions(by, descending);
  }

  private static void requireKind(MappingReader reader, By by, By needing, Kind kind, Kind needed) {
    if (by == needing && kind != needed) {
      reader.problem(
          "by",
          "Only records of kind %s have a %s."
              .formatted(needed.word(), needing.name().toLowerCase(Locale.ROOT)),
          "Use 'by: length'.");
    }
  }
}
