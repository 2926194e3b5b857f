package org.sparktune.trainer.checkpoint;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.storage.Storage;

/**
 * The trained parameters of a checkpoint, without the optimizer's state: what evaluation and
 * generation need of it.
 *
 * @param identity what decided the run's bits, by name
 * @param parameters by name, in the layout's order; F32
 */
public record CheckpointWeights(
    SortedMap<String, String> identity, Map<String, Tensor> parameters) {
  /** The flat vector of all trained parameters. */
  private static final String PARAMETERS = "parameters";

  /** Whether a folder is a checkpoint. */
  public static boolean isCheckpoint(String location, Configuration hadoop) {
    try {
      return Storage.of(location, hadoop).exists(new Path(location, CheckpointFolder.MANIFEST));
    } catch (IOException e) {
      throw StorageFailures.reading(location, e);
    }
  }

  /**
   * Reads a checkpoint.
   *
   * @param location its folder, a path or URI
   * @param arena holds the parameters
   * @throws SparktuneException {@code BAD_FILE} when it is not whole
   */
  public static CheckpointWeights read(String location, Configuration hadoop, Arena arena) {
    Path folder = new Path(location);
    try {
      Storage storage = Storage.of(location, hadoop);
      Manifest manifest =
          ManifestJson.read(
              location,
              StorageFailures.readDamageable(storage, new Path(folder, CheckpointFolder.MANIFEST)));
      long length = length(manifest);
      Tensor values = arena.allocate(DType.F32, length);
      ShardedVector vector =
          new ShardedVector(PARAMETERS, length, List.of(new Slices.Range(0, length)), values);
      new PartReader(storage).read(folder, manifest, List.of(vector));
      return new CheckpointWeights(manifest.identity(), named(manifest, values));
    } catch (DamagedException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s is no whole checkpoint: %s.".formatted(location, e.getMessage()),
          "Name another checkpoint of the run.",
          e);
    } catch (IOException e) {
      throw StorageFailures.reading(location, e);
    }
  }

  private static long length(Manifest manifest) throws DamagedException {
    for (Manifest.Vector vector : manifest.vectors()) {
      if (vector.name().equals(PARAMETERS)) {
        return vector.length();
      }
    }
    throw new DamagedException("it has no vector of parameters");
  }

  private static Map<String, Tensor> named(Manifest manifest, Tensor values)
      throws DamagedException {
    Map<String, Tensor> parameters = new LinkedHashMap<>();
    long offset = 0;
    for (RunDescription.Parameter parameter : manifest.layout()) {
      long[] shape = parameter.shape().stream().mapToLong(Long::longValue).toArray();
      long size = 1;
      for (long dimension : shape) {
        size *= dimension;
      }
      if (offset + size > values.size()) {
        throw new DamagedException("its layout is larger than its vector of parameters");
      }
      parameters.put(parameter.name(), values.view(offset, shape));
      offset += size;
    }
    return parameters;
  }
}
