package org.sparktune.pipeline.spec;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.sparktune.pipeline.spec.Hyperparameters.Schedule;
import org.sparktune.pipeline.spec.UpdaterChoice.Updater;

/** Reads which optimizer trains, and the numbers of its schedule; a number out of place is told. */
final class OptimizerReader {
  private static final Set<Updater> WITH_DECAY = EnumSet.of(Updater.RMSPROP, Updater.ADADELTA);
  private static final Set<Updater> WITHOUT_EPSILON =
      EnumSet.of(Updater.ADAMW, Updater.NESTEROVS, Updater.SGD, Updater.NOOP);
  private static final Set<Schedule> WITH_RATE =
      EnumSet.of(Schedule.STEP, Schedule.EXPONENTIAL, Schedule.INVERSE, Schedule.SIGMOID);
  private static final Set<Schedule> WITH_STEPS =
      EnumSet.of(Schedule.STEP, Schedule.POLY, Schedule.SIGMOID, Schedule.CYCLE, Schedule.RAMP);
  private static final Set<Schedule> WITH_POWER = EnumSet.of(Schedule.POLY, Schedule.INVERSE);

  private OptimizerReader() {}

  static UpdaterChoice updater(MappingReader reader) {
    Updater updater = reader.word("updater", Updater.ADAMW);
    UpdaterChoice choice =
        new UpdaterChoice(
            updater,
            reader.decimal("momentum", 0.9, Range.BELOW_ONE),
            reader.decimal("decay", 0.95, Range.BELOW_ONE),
            reader.decimal("epsilon", 0, Range.POSITIVE));
    String owner = "The updater " + word(updater);
    belongs(reader, "momentum", owner, updater == Updater.NESTEROVS);
    belongs(reader, "decay", owner, WITH_DECAY.contains(updater));
    belongs(reader, "epsilon", owner, !WITHOUT_EPSILON.contains(updater));
    reader.finish();
    return choice;
  }

  /**
   * @param reader of the hyperparameters
   */
  static ScheduleShape shape(MappingReader reader, Schedule schedule) {
    boolean given = reader.has("schedule_shape");
    MappingReader shape = reader.mappingOrEmpty("schedule_shape");
    ScheduleShape read =
        new ScheduleShape(
            shape.decimal("rate", 0, Range.NOT_NEGATIVE),
            (int) shape.integer("steps", 0, 1, Integer.MAX_VALUE),
            shape.decimal("power", 1, Range.POSITIVE),
            shape.decimals("points"));
    boolean numbers =
        WITH_RATE.contains(schedule) || WITH_STEPS.contains(schedule) || schedule == Schedule.MAP;
    String owner = "The schedule " + word(schedule);
    if (numbers && !given) {
      reader.problem(
          "schedule",
          owner + " needs numbers.",
          "Add 'schedule_shape' with those that docs/formats.md lists for it.");
    } else if (given) {
      requires(shape, "rate", owner, WITH_RATE.contains(schedule));
      requires(shape, "steps", owner, WITH_STEPS.contains(schedule));
      belongs(shape, "power", owner, WITH_POWER.contains(schedule));
      requires(shape, "points", owner, schedule == Schedule.MAP);
      requirePoints(shape, read.points());
    }
    shape.finish();
    return read;
  }

  private static void requirePoints(MappingReader shape, Map<String, Double> points) {
    for (String step : points.keySet()) {
      if (!step.matches("\\d{1,9}")) {
        shape.problem(
            "points",
            "'%s' in 'points' is not a step.".formatted(step),
            "Use whole numbers from 0.");
      }
    }
    if (shape.has("points") && !points.containsKey("0")) {
      shape.problem("points", "'points' says nothing of step 0.", "Add a share for step 0.");
    }
  }

  private static void requires(MappingReader reader, String key, String owner, boolean needed) {
    belongs(reader, key, owner, needed);
    if (needed && !reader.has(key)) {
      reader.require(key);
    }
  }

  private static void belongs(MappingReader reader, String key, String owner, boolean does) {
    if (!does && reader.has(key)) {
      reader.problem(key, "%s has no '%s'.".formatted(owner, key), "Remove '%s'.".formatted(key));
    }
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}
