package org.sparktune.trainer.checkpoint;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Agreement;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.storage.Storage;

/**
 * Finds the newest whole checkpoint. Only the first rank lists the folder and reads manifests, so
 * that all look at the same one even where they see the file system differently; every rank reads
 * and checks the ranges it needs, and one rank's damage is everybody's.
 */
final class CheckpointRestorer {
  private static final Logger LOG = LoggerFactory.getLogger(CheckpointRestorer.class);

  private final CheckpointFolder folder;
  private final RunDescription run;
  private final Collective collective;
  private final Agreement agreement;
  private final PartReader reader;
  private final RunFiles files;

  CheckpointRestorer(
      CheckpointFolder folder,
      Storage storage,
      RunDescription run,
      RunFiles files,
      Collective collective) {
    this.folder = folder;
    this.run = run;
    this.collective = collective;
    this.agreement = new Agreement(collective);
    this.reader = new PartReader(storage);
    this.files = files;
  }

  /** A manifest, or what is wrong with it. */
  private record Found(
      @JsonProperty("manifest") Manifest manifest, @JsonProperty("damage") String damage) {}

  Optional<Snapshot> restore(List<ShardedVector> vectors) {
    long[] steps = agreement.first(long[].class, this::steps);
    List<String> damages = new ArrayList<>();
    for (int i = steps.length - 1; i >= 0; i--) {
      long step = steps[i];
      Found found = agreement.first(Found.class, () -> read(step));
      String damage =
          found.manifest() == null ? found.damage() : fillOnAll(found.manifest(), vectors);
      if (damage.isEmpty()) {
        agreement.first(Void.class, () -> change(files::take));
        LOG.info("going on from {}", folder.describe(step));
        return Optional.of(found.manifest().snapshot());
      }
      if (collective.rank() == 0) {
        LOG.warn("Passing over the checkpoint {}: {}", folder.describe(step), damage);
      }
      damages.add("of %s, %s".formatted(CheckpointFolder.name(step), damage));
    }
    if (damages.isEmpty()) {
      agreement.first(Void.class, () -> change(files::clear));
      return Optional.empty();
    }
    throw new SparktuneException(
        ErrorCode.BAD_FILE,
        "No checkpoint in %s is whole: %s."
            .formatted(folder.location(), String.join("; ", damages)),
        "Bring one back from a copy, or delete %s to start from the beginning."
            .formatted(folder.location()));
  }

  private long[] steps() {
    try {
      return folder.list().complete().stream().mapToLong(Long::longValue).toArray();
    } catch (IOException e) {
      throw StorageFailures.reading(folder.location(), e);
    }
  }

  private Found read(long step) {
    try {
      return new Found(folder.manifest(step), null);
    } catch (DamagedException e) {
      return new Found(null, e.getMessage());
    } catch (IOException e) {
      throw StorageFailures.reading(folder.describe(step), e);
    }
  }

  /** Fills every rank's vectors; returns the first rank's damage that found one, else nothing. */
  private String fillOnAll(Manifest manifest, List<ShardedVector> vectors) {
    for (String damage : agreement.all(String.class, () -> fill(manifest, vectors))) {
      if (!damage.isEmpty()) {
        return damage;
      }
    }
    return "";
  }

  private String fill(Manifest manifest, List<ShardedVector> vectors) {
    String where = folder.describe(manifest.step());
    run.requireSame(where, manifest.description());
    requireSameVectors(where, manifest, vectors);
    try {
      reader.read(folder.folder(manifest.step()), manifest, vectors);
      if (collective.rank() == 0) {
        files.fetch(folder.folder(manifest.step()), manifest.files());
      }
      return "";
    } catch (DamagedException e) {
      return e.getMessage();
    } catch (IOException e) {
      throw StorageFailures.reading(where, e);
    }
  }

  /** Changes local files. */
  private interface Change {
    void make() throws IOException;
  }

  private static Void change(Change change) {
    try {
      change.make();
      return null;
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "The run's files cannot be brought back (%s).".formatted(e),
          "Check the output folder and its permissions.",
          e);
    }
  }

  private static void requireSameVectors(
      String where, Manifest manifest, List<ShardedVector> vectors) {
    List<Manifest.Vector> expected = new ArrayList<>();
    for (ShardedVector vector : vectors) {
      expected.add(new Manifest.Vector(vector.name(), vector.length()));
    }
    if (!expected.equals(manifest.vectors())) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The checkpoint %s holds %s, the run has %s."
              .formatted(where, manifest.vectors(), expected),
          "Use the optimizer it was written with, or choose another output folder.");
    }
  }
}
