package org.sparktune.trainer.checkpoint;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.trainer.collective.Collective;

/** A process that goes on from the newest checkpoint and saves one after the other until killed. */
final class KilledSaver {
  static final long LENGTH = 1 << 19;
  private static final RunDescription RUN =
      new RunDescription(new TreeMap<>(Map.of("seed", "3")), List.of());

  private KilledSaver() {}

  /**
   * Saves until it is killed.
   *
   * @param arguments the folder and the number of ranks
   */
  public static void main(String[] arguments) {
    int ranks = Integer.parseInt(arguments[1]);
    SummingRanks.values(ranks, collective -> saveForEver(arguments[0], collective));
  }

  /** Restores and checks every element; returns the step. */
  static Optional<Long> restore(String folder, int ranks) {
    List<Optional<Long>> steps =
        SummingRanks.values(
            ranks,
            collective -> {
              try (Shards shards = new Shards(collective.rank(), ranks, LENGTH, 1 << 17)) {
                return restore(store(folder, collective), shards);
              }
            });
    return steps.get(0);
  }

  private static Void saveForEver(String folder, Collective collective) {
    CheckpointStore store = store(folder, collective);
    try (Shards shards = new Shards(collective.rank(), collective.ranks(), LENGTH, 1 << 18)) {
      for (long step = restore(store, shards).orElse(0L) + 1; ; step++) {
        shards.set(step);
        store.save(
            new Snapshot(step, 1.0 / step, new ObjectMapper().createObjectNode()),
            shards.vectors());
        if (collective.rank() == 0) {
          System.out.println(step);
        }
      }
    }
  }

  private static Optional<Long> restore(CheckpointStore store, Shards shards) {
    Optional<Long> step = store.restore(shards.vectors()).map(Snapshot::step);
    if (step.isPresent() && shards.wrong(step.get()) > 0) {
      throw new IllegalStateException(
          "%d elements of step %d are wrong".formatted(shards.wrong(step.get()), step.get()));
    }
    return step;
  }

  private static CheckpointStore store(String folder, Collective collective) {
    return CheckpointStore.open(folder, new Configuration(), 2, RUN, collective);
  }
}
