package org.sparktune.trainer.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.storage.Storage;

/**
 * The checkpoints of a run, as {@code docs/formats.md} describes them, on any Hadoop file system.
 * {@link #save} and {@link #restore} are collective: every rank calls them with the ranges it
 * holds, and all of them return, or fail, alike.
 *
 * <p>A checkpoint exists from the moment its manifest does, which is written last. Until then
 * nothing of the former checkpoints is touched, so whatever ends a save, they are still there.
 */
public final class CheckpointStore {
  private final CheckpointFolder folder;
  private final CheckpointSaver saver;
  private final CheckpointRestorer restorer;

  private CheckpointStore(
      CheckpointFolder folder, CheckpointSaver saver, CheckpointRestorer restorer) {
    this.folder = folder;
    this.saver = saver;
    this.restorer = restorer;
  }

  /**
   * Looks at nothing yet.
   *
   * @param location the folder of the run's checkpoints, a path or URI; the same for every rank
   * @param hadoop settings of the file system
   * @param keep how many of the newest stay, besides the best; at least 1
   * @param run what a checkpoint must agree with to be resumed
   * @param files of the first rank that grow with the run: a checkpoint holds their content, and
   *     {@link #restore} brings it back, or removes them when the run begins
   * @throws SparktuneException {@link ErrorCode#OUTPUT} when there is no such file system
   */
  public static CheckpointStore open(
      String location,
      Configuration hadoop,
      int keep,
      RunDescription run,
      List<Path> files,
      Collective collective) {
    try {
      Storage storage = Storage.of(location, hadoop);
      CheckpointFolder folder = new CheckpointFolder(location, storage);
      RunFiles runFiles = new RunFiles(storage, files);
      return new CheckpointStore(
          folder,
          new CheckpointSaver(folder, storage, keep, run, runFiles, collective),
          new CheckpointRestorer(folder, storage, run, runFiles, collective));
    } catch (IOException e) {
      throw StorageFailures.reading(location, e);
    }
  }

  /** As above, for a run without files of its own. */
  public static CheckpointStore open(
      String location, Configuration hadoop, int keep, RunDescription run, Collective collective) {
    return open(location, hadoop, keep, run, List.of(), collective);
  }

  /**
   * Writes a checkpoint, then removes those that are not to be kept.
   *
   * @param vectors what this rank holds of every vector; together the ranks hold each element
   *     exactly once. The vectors' names, order and lengths are the same on every rank
   * @return where it is
   * @throws SparktuneException {@link ErrorCode#RESOURCES} when there is no room for it, {@link
   *     ErrorCode#OUTPUT} when it cannot be written for another reason; the former checkpoints are
   *     untouched
   */
  public String save(Snapshot snapshot, List<ShardedVector> vectors) {
    return saver.save(snapshot, vectors);
  }

  /**
   * Fills the vectors from the newest checkpoint that is whole. Damaged ones are named in a warning
   * and passed over, by all ranks alike.
   *
   * @param vectors what this rank holds, at whatever number of ranks
   * @return what was saved with it; nothing when there is no checkpoint, and then the vectors are
   *     as they were
   * @throws SparktuneException {@link ErrorCode#MISMATCH} when it belongs to another run, {@link
   *     ErrorCode#BAD_FILE} when there are checkpoints but none of them is whole (a run that was
   *     meant to go on must not start anew unasked), {@link ErrorCode#UNSUPPORTED} when another
   *     version wrote it
   */
  public Optional<Snapshot> restore(List<ShardedVector> vectors) {
    return restorer.restore(vectors);
  }

  /** The newest checkpoint for a message, whole or not. */
  public String newestName() {
    return folder.newestName();
  }
}
