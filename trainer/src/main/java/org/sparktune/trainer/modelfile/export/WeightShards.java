package org.sparktune.trainer.modelfile.export;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.ElementConversion;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.modelfile.GgufModel;
import org.sparktune.trainer.modelfile.ModelFile;
import org.sparktune.trainer.modelfile.SafetensorsWriter;
import org.sparktune.trainer.modelfile.TensorNames;
import org.sparktune.trainer.modelfile.WeightSource;

/**
 * Writes a model's tensors as {@code model.safetensors}, or as several shards with their index. One
 * tensor is in memory at a time.
 */
final class WeightShards {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
  private static final Map<String, String> METADATA = Map.of("format", "pt");
  private static final String HEAD = "lm_head.weight";

  private final WeightSource weights;
  private final DType type;
  private final List<String> names = new ArrayList<>();
  private long totalBytes;

  WeightShards(ModelFile base, DecoderConfig config, WeightSource weights, DType type) {
    if (type != DType.F32 && type != DType.BF16 && type != DType.F16) {
      throw new IllegalArgumentException("Weights cannot be written as " + type);
    }
    this.weights = weights;
    this.type = type;
    TensorNames gguf = TensorNames.of(config.architecture().ggufName());
    for (String name : weights.names()) {
      // GGUF files keep rotary factors as tensors, which config.json has in their place.
      boolean foreign = base instanceof GgufModel && gguf.toGguf(name).isEmpty();
      boolean tied = name.equals(HEAD) && config.tiedEmbeddings();
      if (!foreign && !tied) {
        names.add(name);
        totalBytes += bytes(name);
      }
    }
  }

  void write(Path folder, long shardBytes) throws IOException {
    if (Files.getFileStore(folder).getUsableSpace() < totalBytes) {
      throw new SparktuneException(
          ErrorCode.RESOURCES,
          "The model takes %,d bytes, but only %,d are free at %s."
              .formatted(totalBytes, Files.getFileStore(folder).getUsableSpace(), folder),
          "Free some space, or write to another disk.");
    }
    List<List<String>> shards = shards(shardBytes);
    if (shards.size() == 1) {
      writeShard(folder.resolve("model.safetensors"), shards.get(0));
      return;
    }
    ObjectNode index = JSON.createObjectNode();
    index.putObject("metadata").put("total_size", totalBytes);
    SortedMap<String, String> fileOf = new TreeMap<>();
    for (int i = 0; i < shards.size(); i++) {
      String file = "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size());
      writeShard(folder.resolve(file), shards.get(i));
      shards.get(i).forEach(name -> fileOf.put(name, file));
    }
    ObjectNode map = index.putObject("weight_map");
    fileOf.forEach(map::put);
    JSON.writeValue(folder.resolve("model.safetensors.index.json").toFile(), index);
  }

  private List<List<String>> shards(long shardBytes) {
    List<List<String>> shards = new ArrayList<>();
    List<String> shard = new ArrayList<>();
    long filled = 0;
    for (String name : names) {
      long bytes = bytes(name);
      if (!shard.isEmpty() && filled + bytes > shardBytes) {
        shards.add(shard);
        shard = new ArrayList<>();
        filled = 0;
      }
      shard.add(name);
      filled += bytes;
    }
    shards.add(shard);
    return shards;
  }

  private void writeShard(Path file, List<String> shard) throws IOException {
    try (OneTensor current = new OneTensor()) {
      Map<String, SafetensorsWriter.Entry> entries = new TreeMap<>();
      for (String name : shard) {
        entries.put(
            name, new SafetensorsWriter.Entry(type, weights.shape(name), () -> current.read(name)));
      }
      SafetensorsWriter.write(file, entries, METADATA);
    }
  }

  private long bytes(String name) {
    long bytes = type.bytes();
    for (long dimension : weights.shape(name)) {
      bytes *= dimension;
    }
    return bytes;
  }

  /** The tensor that is being written; its memory is released for the next one. */
  private final class OneTensor implements AutoCloseable {
    private Arena arena = new Arena("a tensor on its way to a file");

    Tensor read(String name) {
      close();
      arena = new Arena(name);
      Tensor values = arena.allocate(type == DType.F16 ? DType.F32 : type, weights.shape(name));
      weights.read(name, values);
      return type == DType.F16 ? halves(name, values) : values;
    }

    private Tensor halves(String name, Tensor values) {
      Tensor halves = arena.allocate(DType.F16, values.shape());
      for (long i = 0; i < values.size(); i++) {
        short half = ElementConversion.floatToHalf(values.getFloat(i));
        if (Float.isInfinite(ElementConversion.halfToFloat(half))) {
          throw new SparktuneException(
              ErrorCode.UNSUPPORTED,
              "The tensor %s holds %s, which F16 cannot hold.".formatted(name, values.getFloat(i)),
              "Write BF16 or F32 instead.");
        }
        Memory.putShort(halves.address() + i * DType.F16.bytes(), half);
      }
      return halves;
    }

    @Override
    public void close() {
      arena.close();
    }
  }
}
