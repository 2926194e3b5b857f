package org.sparktune.trainer.checkpoint;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Agreement;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.storage.Storage;

/**
 * Writes a checkpoint: the first rank makes the folder, every rank writes its part, the first rank
 * writes the manifest. After each of the three all ranks agree that it went well.
 */
final class CheckpointSaver {
  private static final Logger LOG = LoggerFactory.getLogger(CheckpointSaver.class);

  /** Room for headers, the manifest and the file system's own needs. */
  private static final long SPARE_BYTES = 1 << 20;

  private final CheckpointFolder folder;
  private final Storage storage;
  private final RunDescription run;
  private final Collective collective;
  private final Agreement agreement;
  private final Retention retention;
  private final PartWriter writer;
  private final RunFiles files;

  CheckpointSaver(
      CheckpointFolder folder,
      Storage storage,
      int keep,
      RunDescription run,
      RunFiles files,
      Collective collective) {
    this.folder = folder;
    this.storage = storage;
    this.run = run;
    this.collective = collective;
    this.agreement = new Agreement(collective);
    this.retention = new Retention(folder, keep);
    this.writer = new PartWriter(storage);
    this.files = files;
  }

  String save(Snapshot snapshot, List<ShardedVector> vectors) {
    long step = snapshot.step();
    String attempt = agreement.first(String.class, () -> prepare(step, vectors));
    try {
      List<Manifest.Part> parts =
          agreement.all(Manifest.Part.class, () -> writePart(step, attempt, vectors));
      agreement.first(Void.class, () -> complete(snapshot, vectors, parts));
    } catch (SparktuneException e) {
      if (e.code() != ErrorCode.PEER_LOST && collective.rank() == 0) {
        remove(step, e);
      }
      throw e;
    }
    agreement.first(Void.class, () -> retention.apply(step));
    return folder.describe(step);
  }

  /**
   * Makes room for a step's files and removes what interrupted saves left.
   *
   * @return a word that makes the files' names differ from those of an earlier attempt: a rank that
   *     was believed dead and goes on writing spoils nothing
   */
  private String prepare(long step, List<ShardedVector> vectors) {
    try {
      storage.makeFolder(folder.path());
      for (Path leftover : folder.list().leftovers()) {
        LOG.info("removing {}, left by an interrupted save", leftover);
        storage.delete(leftover);
      }
      // There can only be a damaged one: the run would have gone on from a whole one.
      folder.remove(step);
      requireRoom(step, vectors);
      storage.makeFolder(folder.folder(step));
      return Long.toHexString(System.nanoTime());
    } catch (IOException e) {
      throw StorageFailures.writing(folder.describe(step), e, folder.newestName());
    }
  }

  private void requireRoom(long step, List<ShardedVector> vectors) throws IOException {
    long needed = SPARE_BYTES;
    for (ShardedVector vector : vectors) {
      needed += vector.length() * Float.BYTES;
    }
    long free = storage.freeBytes(folder.path());
    if (free < needed) {
      throw new SparktuneException(
          ErrorCode.RESOURCES,
          "The checkpoint %s needs %,d bytes and %,d are free."
              .formatted(folder.describe(step), needed, free),
          "Free some space and start again: the run goes on from %s."
              .formatted(folder.newestName()));
    }
  }

  /** Writes this rank's part; null when it holds nothing. */
  private Manifest.Part writePart(long step, String attempt, List<ShardedVector> vectors) {
    if (vectors.stream().allMatch(vector -> vector.ranges().isEmpty())) {
      return null;
    }
    int rank = collective.rank();
    int ranks = collective.ranks();
    String name = "part-%05d-of-%05d-%s.safetensors".formatted(rank, ranks, attempt);
    Map<String, String> metadata =
        Map.of(
            "format", "sparktune-checkpoint",
            "step", Long.toString(step),
            "rank", Integer.toString(rank),
            "ranks", Integer.toString(ranks));
    try {
      return writer.write(new Path(folder.folder(step), name), vectors, metadata);
    } catch (IOException e) {
      throw StorageFailures.writing(folder.describe(step), e, folder.newestName());
    }
  }

  private Manifest manifest(
      Snapshot snapshot,
      List<ShardedVector> vectors,
      List<Manifest.Part> parts,
      List<Manifest.StoredFile> stored) {
    List<Manifest.Vector> described = new ArrayList<>();
    for (ShardedVector vector : vectors) {
      described.add(new Manifest.Vector(vector.name(), vector.length()));
    }
    return new Manifest(
        Manifest.FORMAT_VERSION,
        snapshot.step(),
        snapshot.validationLoss(),
        collective.ranks(),
        snapshot.state(),
        run.identity(),
        run.layout(),
        described,
        parts.stream().filter(Objects::nonNull).toList(),
        stored);
  }

  /** Adds the run's files and the manifest, and so makes the parts a checkpoint. */
  private Void complete(Snapshot snapshot, List<ShardedVector> vectors, List<Manifest.Part> parts) {
    long step = snapshot.step();
    try {
      Manifest manifest = manifest(snapshot, vectors, parts, files.save(folder.folder(step)));
      if (!manifest.gaps().isEmpty()) {
        throw new IllegalStateException("The ranks don't hold everything once: " + manifest.gaps());
      }
      storage.syncFolder(folder.folder(step));
      storage.syncFolder(folder.path());
      folder.writeManifest(step, ManifestJson.write(manifest));
      return null;
    } catch (IOException e) {
      throw StorageFailures.writing(folder.describe(step), e, folder.newestName());
    }
  }

  /**
   * Removes what the ranks have written of a step, unless a rank was lost: that may be writing yet,
   * and its leftovers are removed by the next save.
   */
  private void remove(long step, SparktuneException failure) {
    try {
      folder.remove(step);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }
}
