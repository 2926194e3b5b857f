package org.sparktune.trainer.modelfile;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.gguf.GgufFile;
import org.sparktune.tokenizer.gguf.GgufMetadata;
import org.sparktune.tokenizer.gguf.GgufTensor;
import org.sparktune.trainer.memory.MappedFile;
import org.sparktune.trainer.modelfile.blocks.RowOrder;
import org.sparktune.trainer.modelfile.blocks.StoredTensor;

/** The weights of a GGUF file by Hugging Face's names, rows in Hugging Face's order. */
public final class GgufModel implements ModelFile {
  private final GgufFile gguf;
  private final String architecture;
  private final TensorNames names;
  private final MappedFile file;
  private final Map<String, GgufTensor> tensors = new LinkedHashMap<>();

  private GgufModel(GgufFile gguf, MappedFile file) {
    this.gguf = gguf;
    this.file = file;
    this.architecture = gguf.metadata().text("general.architecture");
    this.names = TensorNames.of(architecture);
    gguf.tensors()
        .forEach((name, tensor) -> tensors.put(names.toHuggingFace(name).orElse(name), tensor));
  }

  /**
   * Opens a file.
   *
   * @throws SparktuneException when it is damaged, an adapter, or one part of several
   */
  public static GgufModel open(Path path) {
    GgufFile gguf = GgufFile.read(path);
    GgufMetadata metadata = gguf.metadata();
    if (metadata.optionalText("general.type").orElse("model").equals("adapter")) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          path + " is an adapter, not a model.",
          "Give the base model here and the adapter as the adapter.");
    }
    if (metadata.integer("split.count", 1) > 1) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "%s is one of %d parts of a model.".formatted(path, metadata.integer("split.count")),
          "Join them with llama.cpp's llama-gguf-split --merge.");
    }
    try {
      return new GgufModel(gguf, MappedFile.open(path));
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s cannot be read: %s.".formatted(path, e.getMessage()),
          "Check that you may read it.",
          e);
    }
  }

  /** The header: version, metadata, tensors by GGUF's names. */
  public GgufFile gguf() {
    return gguf;
  }

  /** The value of {@code general.architecture}. */
  public String architecture() {
    return architecture;
  }

  @Override
  public Path path() {
    return gguf.path();
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(tensors.keySet());
  }

  @Override
  public boolean has(String name) {
    return tensors.containsKey(name);
  }

  @Override
  public StoredTensor stored(String name) {
    GgufTensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s has no tensor %s."
              .formatted(path(), names.toGguf(name).map(n -> n + " (" + name + ")").orElse(name)),
          "Take a complete model file.");
    }
    return new StoredTensor(
        tensor.name(),
        tensor.type(),
        tensor.shape(),
        file,
        tensor.offset(),
        rowOrder(name, tensor));
  }

  @Override
  public void close() {
    try {
      file.close();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private RowOrder rowOrder(String name, GgufTensor tensor) {
    int dot = Math.max(0, name.lastIndexOf('.'));
    String module = name.substring(0, dot);
    if (!names.interleavesQuery(module) && !names.interleavesKey(module)) {
      return RowOrder.PLAIN;
    }
    int heads = gguf.metadata().integer(architecture + ".attention.head_count");
    if (names.interleavesKey(module)) {
      heads = gguf.metadata().integer(architecture + ".attention.head_count_kv", heads);
    }
    long rows = tensor.shape()[0];
    if (heads < 1 || rows % (2L * heads) != 0) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s has %d rows in the tensor %s, which %d heads cannot share."
              .formatted(path(), rows, tensor.name(), heads),
          "Download or convert the file again.");
    }
    return new RowOrder(Math.toIntExact(rows / heads));
  }
}
