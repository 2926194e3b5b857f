package org.sparktune.trainer.modelfile;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.modelfile.blocks.StoredTensor;

/**
 * The weights of a Hugging Face model folder: {@code model.safetensors}, or shards with their
 * index.
 */
public final class HuggingFaceFolder implements ModelFile {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  private final Path folder;
  private final Map<String, SafetensorsFile> byName;
  private final Map<Path, SafetensorsFile> files;

  private HuggingFaceFolder(
      Path folder, Map<String, SafetensorsFile> byName, Map<Path, SafetensorsFile> files) {
    this.folder = folder;
    this.byName = byName;
    this.files = files;
  }

  /**
   * Opens the folder's weights.
   *
   * @throws SparktuneException BAD_FILE when there are none, or a shard is missing or broken
   */
  public static HuggingFaceFolder open(Path folder) {
    Map<String, SafetensorsFile> byName = new TreeMap<>();
    Map<Path, SafetensorsFile> files = new HashMap<>();
    boolean complete = false;
    try {
      if (Files.exists(folder.resolve(INDEX))) {
        openShards(folder, byName, files);
      } else if (Files.exists(folder.resolve(SINGLE))) {
        SafetensorsFile file = SafetensorsFile.open(folder.resolve(SINGLE));
        files.put(folder.resolve(SINGLE), file);
        file.names().forEach(name -> byName.put(name, file));
      } else {
        throw new SparktuneException(
            ErrorCode.BAD_FILE,
            "The folder %s has neither %s nor %s.".formatted(folder, SINGLE, INDEX),
            "Give a Hugging Face model folder with safetensors weights, or a GGUF file.");
      }
      complete = true;
    } finally {
      if (!complete) {
        files.values().forEach(SafetensorsFile::close);
      }
    }
    return new HuggingFaceFolder(folder, byName, files);
  }

  private static void openShards(
      Path folder, Map<String, SafetensorsFile> byName, Map<Path, SafetensorsFile> files) {
    JsonNode map;
    try {
      map = JSON.readTree(folder.resolve(INDEX).toFile()).path("weight_map");
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The shard index %s cannot be read: %s.".formatted(folder.resolve(INDEX), e.getMessage()),
          "Download it again.",
          e);
    }
    for (Iterator<Map.Entry<String, JsonNode>> fields = map.fields(); fields.hasNext(); ) {
      Map.Entry<String, JsonNode> field = fields.next();
      Path shard = folder.resolve(field.getValue().asText());
      SafetensorsFile file = files.computeIfAbsent(shard, SafetensorsFile::open);
      if (!file.has(field.getKey())) {
        throw new SparktuneException(
            ErrorCode.BAD_FILE,
            "The shard index of %s puts the tensor %s in %s, which does not have it."
                .formatted(folder, field.getKey(), shard.getFileName()),
            "Download the model again.");
      }
      byName.put(field.getKey(), file);
    }
  }

  @Override
  public Path path() {
    return folder;
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(byName.keySet());
  }

  @Override
  public boolean has(String name) {
    return byName.containsKey(name);
  }

  @Override
  public StoredTensor stored(String name) {
    return file(name).stored(name);
  }

  @Override
  public void close() {
    files.values().forEach(SafetensorsFile::close);
  }

  private SafetensorsFile file(String name) {
    SafetensorsFile file = byName.get(name);
    if (file == null) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The model in %s has no tensor %s.".formatted(folder, name),
          "Check that the weights belong to its config.json.");
    }
    return file;
  }
}
