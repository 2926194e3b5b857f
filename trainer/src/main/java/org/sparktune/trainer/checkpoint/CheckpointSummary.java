package org.sparktune.trainer.checkpoint;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.storage.Storage;

/**
 * What a checkpoint says about itself, for people. Its manifest is read and checked, its parts are
 * not.
 *
 * @param facts by name, representable as JSON
 * @param layout the parameters' names and shapes
 */
public record CheckpointSummary(Map<String, Object> facts, List<RunDescription.Parameter> layout) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final TypeReference<LinkedHashMap<String, Object>> OBJECT =
      new TypeReference<>() {};

  /**
   * The folder of a checkpoint that is named by itself or by a pointer beside it.
   *
   * @param location a folder, or {@code …/latest} or {@code …/best}; a path or URI
   * @return the folder; the location itself when it is no pointer
   */
  public static String resolve(String location, Configuration hadoop) {
    Path path = new Path(location);
    String name = path.getName();
    if (!name.equals(CheckpointFolder.LATEST) && !name.equals(CheckpointFolder.BEST)) {
      return location;
    }
    try {
      String folder = path.getParent().toString();
      String named = new CheckpointFolder(folder, Storage.of(location, hadoop)).pointer(name);
      return named.isEmpty() ? location : folder + "/" + named;
    } catch (IOException e) {
      throw StorageFailures.reading(location, e);
    }
  }

  /**
   * Reads the manifest of a checkpoint.
   *
   * @param location the checkpoint's folder, a path or URI
   * @throws SparktuneException {@link ErrorCode#BAD_FILE} when it is not whole
   */
  public static CheckpointSummary read(String location, Configuration hadoop) {
    Path file = new Path(location, CheckpointFolder.MANIFEST);
    try {
      Manifest manifest =
          ManifestJson.read(
              location, StorageFailures.readDamageable(Storage.of(location, hadoop), file));
      return new CheckpointSummary(facts(manifest), manifest.layout());
    } catch (DamagedException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s is no whole checkpoint: %s.".formatted(location, e.getMessage()),
          "A run passes over it and goes on from the one before.",
          e);
    } catch (IOException e) {
      throw StorageFailures.reading(location, e);
    }
  }

  private static Map<String, Object> facts(Manifest manifest) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("step", manifest.step());
    facts.put("validation_loss", manifest.validationLoss());
    facts.put("ranks", manifest.ranks());
    facts.putAll(JSON.convertValue(manifest.state(), OBJECT));
    facts.put("identity", manifest.identity());
    Map<String, Long> vectors = new LinkedHashMap<>();
    for (Manifest.Vector vector : manifest.vectors()) {
      vectors.put(vector.name(), vector.length());
    }
    facts.put("vectors", vectors);
    Map<String, Long> parts = new LinkedHashMap<>();
    for (Manifest.Part part : manifest.parts()) {
      parts.put(part.file(), part.bytes());
    }
    facts.put("parts", parts);
    return facts;
  }
}
