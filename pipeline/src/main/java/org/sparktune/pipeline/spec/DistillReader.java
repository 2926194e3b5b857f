package org.sparktune.pipeline.spec;

/** Reads the {@code hyperparams} of a distill task. */
final class DistillReader {
  private static final double LEARNING_RATE = 2e-3;
  private static final int MANY = 1 << 16;

  private DistillReader() {}

  /**
   * The options.
   *
   * @param specSeed the file's, where the task has none of its own
   */
  static DistillOptions read(MappingReader reader, long specSeed) {
    MappingReader distill = reader.mappingOrEmpty("distill");
    MappingReader student = reader.mappingOrEmpty("student");
    DistillOptions options =
        new DistillOptions(
            distill.decimal("weight", 0.5, Range.NOT_NEGATIVE),
            distill.decimal("temperature", 1, Range.POSITIVE),
            (int) distill.integer("classes", 15, 2, 1000),
            distill.decimal("range", 3, Range.POSITIVE),
            new DistillOptions.Student(
                (int) student.integer("hidden_size", 64, 1, MANY),
                (int) student.integer("max_tokens", 256, 1, MANY)),
            (int) reader.integer("epochs", 10, 1, Integer.MAX_VALUE),
            reader.decimal("learning_rate", LEARNING_RATE, Range.POSITIVE),
            (int) reader.integer("batch_size", 32, 1, MANY),
            (int) reader.integer("gradient_accumulation_steps", 1, 1, MANY),
            reader.integer("seed", specSeed, 0, Long.MAX_VALUE));
    distill.finish();
    student.finish();
    reader.finish();
    return options;
  }
}
