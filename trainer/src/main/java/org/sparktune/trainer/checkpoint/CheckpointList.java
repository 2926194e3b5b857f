package org.sparktune.trainer.checkpoint;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.storage.Storage;

/**
 * What a folder of checkpoints holds, for people. Manifests are read and checked, parts are not.
 *
 * @param latest the name of the newest checkpoint's folder; empty if nothing says so
 * @param best the name of the one with the lowest validation loss; empty if none was evaluated
 * @param checkpoints from the oldest to the newest
 */
public record CheckpointList(String latest, String best, List<Entry> checkpoints) {

  /**
   * A checkpoint.
   *
   * @param name its folder's
   * @param validationLoss of its parameters; null when they were not evaluated
   * @param ranks how many wrote it; 0 when it is damaged
   * @param bytes of its parts
   * @param damage what is wrong with its manifest; empty if nothing
   */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  public record Entry(
      @JsonProperty String name,
      @JsonProperty Double validationLoss,
      @JsonProperty int ranks,
      @JsonProperty long bytes,
      @JsonProperty String damage) {}

  /**
   * Reads a folder.
   *
   * @param location a path or URI
   * @throws SparktuneException {@link ErrorCode#OUTPUT} when it cannot be read
   */
  public static CheckpointList read(String location, Configuration hadoop) {
    try {
      CheckpointFolder folder = new CheckpointFolder(location, Storage.of(location, hadoop));
      List<Entry> entries = new ArrayList<>();
      for (long step : folder.list().complete()) {
        entries.add(entry(folder, step));
      }
      return new CheckpointList(
          folder.pointer(CheckpointFolder.LATEST),
          folder.pointer(CheckpointFolder.BEST),
          List.copyOf(entries));
    } catch (IOException e) {
      throw StorageFailures.reading(location, e);
    }
  }

  private static Entry entry(CheckpointFolder folder, long step) throws IOException {
    String name = CheckpointFolder.name(step);
    try {
      Manifest manifest = folder.manifest(step);
      long bytes = 0;
      for (Manifest.Part part : manifest.parts()) {
        bytes += part.bytes();
      }
      return new Entry(name, manifest.validationLoss(), manifest.ranks(), bytes, "");
    } catch (DamagedException e) {
      return new Entry(name, null, 0, 0, e.getMessage());
    }
  }
}
