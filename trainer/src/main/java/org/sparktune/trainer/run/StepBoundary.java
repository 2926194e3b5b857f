package org.sparktune.trainer.run;

import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.sparktune.trainer.collective.Collective;

/**
 * What ranks agree on between two steps, so that all do the same at the same step: whether any of
 * them was asked to stop, and the settings that the first rank found in {@code control.json}.
 */
final class StepBoundary {
  private static final int STOP = 0;
  private static final int CHANGED = 1;
  private static final int LEARNING_RATE = 2;
  private static final int LOG_EVERY = 3;
  private static final int EVALUATE_EVERY = 4;
  private static final int SAMPLE_EVERY = 5;
  private static final int CHECKPOINT_EVERY = 6;
  private static final int LENGTH = 7;

  private final Collective collective;
  private final ControlFile control;
  private final BooleanSupplier stopRequested;

  StepBoundary(Collective collective, ControlFile control, BooleanSupplier stopRequested) {
    this.collective = collective;
    this.control = control;
    this.stopRequested = stopRequested;
  }

  /**
   * What was decided.
   *
   * @param stop whether the run ends here
   * @param changed the new settings, if they differ
   */
  record Decision(boolean stop, Optional<ControlFile.Settings> changed) {}

  Decision decide(ControlFile.Settings current) {
    long[] numbers = new long[LENGTH];
    numbers[STOP] = stopRequested.getAsBoolean() ? 1 : 0;
    if (collective.rank() == 0) {
      control.poll(current).ifPresent(settings -> write(settings, numbers));
    }
    collective.sum(numbers);
    boolean changed = numbers[CHANGED] > 0;
    return new Decision(
        numbers[STOP] > 0, changed ? Optional.of(read(numbers, current)) : Optional.empty());
  }

  private static void write(ControlFile.Settings settings, long[] numbers) {
    Cadence cadence = settings.cadence();
    numbers[CHANGED] = 1;
    numbers[LEARNING_RATE] = Double.doubleToRawLongBits(settings.schedule().learningRate());
    numbers[LOG_EVERY] = cadence.logEvery();
    numbers[EVALUATE_EVERY] = cadence.evaluateEvery();
    numbers[SAMPLE_EVERY] = cadence.sampleEvery();
    numbers[CHECKPOINT_EVERY] = cadence.checkpointEvery();
  }

  private static ControlFile.Settings read(long[] numbers, ControlFile.Settings current) {
    return new ControlFile.Settings(
        current.schedule().withLearningRate(Double.longBitsToDouble(numbers[LEARNING_RATE])),
        new Cadence(
            numbers[LOG_EVERY],
            numbers[EVALUATE_EVERY],
            numbers[SAMPLE_EVERY],
            numbers[CHECKPOINT_EVERY],
            current.cadence().keepCheckpoints()));
  }
}
