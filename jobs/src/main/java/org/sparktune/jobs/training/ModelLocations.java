package org.sparktune.jobs.training;

import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.pipeline.storage.LocalCopies;
import org.sparktune.trainer.checkpoint.CheckpointSummary;

/** Models and adapters as local files, wherever they are kept. */
public final class ModelLocations {
  private ModelLocations() {}

  /** A model's file or folder, or this host's copy of it. */
  public static Path model(String location, Configuration hadoop) {
    return LocalCopies.ofProcess().get(location, hadoop);
  }

  /**
   * A PEFT folder, a GGUF LoRA, a reward model or a checkpoint, or this host's copy of it.
   *
   * @param location also {@code …/checkpoints/latest} and {@code …/checkpoints/best}, which name a
   *     checkpoint
   */
  public static Path adapter(String location, Configuration hadoop) {
    return LocalCopies.ofProcess().get(CheckpointSummary.resolve(location, hadoop), hadoop);
  }
}
