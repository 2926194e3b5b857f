package org.sparktune.trainer.checkpoint;

import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;

/**
 * Where a run keeps its checkpoints; the same for all of its ranks.
 *
 * @param location a path, or a URI of any Hadoop file system
 * @param hadoop the file system's settings
 */
public record CheckpointPlace(String location, Configuration hadoop) {

  /** The folder {@code checkpoints} of a task's local folder. */
  public static CheckpointPlace in(Path taskFolder) {
    return new CheckpointPlace(taskFolder.resolve("checkpoints").toString(), new Configuration());
  }
}
