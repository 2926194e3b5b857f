package org.sparktune.jobs.inspect;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.DatasetName;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.inspect.Inspection.TensorFacts;
import org.sparktune.pipeline.storage.HadoopSettings;
import org.sparktune.pipeline.storage.LocalCopies;
import org.sparktune.tokenizer.gguf.GgufFile;
import org.sparktune.tokenizer.gguf.GgufTensor;
import org.sparktune.tokenizer.gguf.GgufValue;
import org.sparktune.trainer.dl4j.student.Student;
import org.sparktune.trainer.modelfile.AdapterConfig;
import org.sparktune.trainer.modelfile.HuggingFaceFolder;
import org.sparktune.trainer.modelfile.PeftAdapter;
import org.sparktune.trainer.modelfile.SafetensorsFile;

/** Recognises what is at a path by its content and reads its headers, never its weights. */
public final class Inspector {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final TypeReference<LinkedHashMap<String, Object>> OBJECT =
      new TypeReference<>() {};
  private static final byte[] GGUF_MAGIC = "GGUF".getBytes(StandardCharsets.US_ASCII);
  private static final String CHECKPOINT_STATE = "state.json";
  private static final Set<String> POINTERS = Set.of("latest", "best");

  private Inspector() {}

  /**
   * Inspects a file or a folder, here or on any Hadoop file system. Of a model or adapter elsewhere
   * a copy is made, as for training on it.
   *
   * @param location a path or URI
   */
  public static Inspection inspect(String location) {
    if (!location.contains("://")) {
      return DatasetName.parse(location).isPinned() && !Files.exists(Path.of(location))
          ? DatasetInspector.inspect(location)
          : inspect(Path.of(location));
    }
    if (DatasetInspector.isDataset(location)) {
      return DatasetInspector.inspect(location);
    }
    if (CheckpointInspector.isOne(location, HadoopSettings.here())) {
      return CheckpointInspector.inspect(location, HadoopSettings.here());
    }
    Inspection copy = inspect(LocalCopies.ofProcess().get(location, HadoopSettings.here()));
    return new Inspection(location, copy.kind(), copy.facts(), copy.tensors());
  }

  /**
   * Inspects a file or a folder.
   *
   * @throws SparktuneException {@code BAD_FILE} if it is nothing known, or damaged
   */
  public static Inspection inspect(Path path) {
    if (Files.isRegularFile(path)) {
      return inspectFile(path);
    }
    if (!Files.isDirectory(path)) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE, "There is nothing at %s.".formatted(path), "Check the path.");
    }
    if (DatasetInspector.isDataset(path.toString())) {
      return DatasetInspector.inspect(path.toString());
    }
    if (Student.isIn(path)) {
      return student(path);
    }
    if (Files.exists(path.resolve(CHECKPOINT_STATE))
        || CheckpointInspector.isFolder(path.toString(), HadoopSettings.here())) {
      return CheckpointInspector.inspect(path.toString(), HadoopSettings.here());
    }
    if (Files.exists(path.resolve(AdapterConfig.FILE_NAME))) {
      return new Inspection(
          path.toString(),
          "adapter",
          json(path.resolve(AdapterConfig.FILE_NAME)),
          safetensors(path.resolve(PeftAdapter.WEIGHTS)));
    }
    if (Files.exists(path.resolve("config.json"))) {
      return huggingFace(path);
    }
    throw unknown(path);
  }

  private static Inspection inspectFile(Path file) {
    if (startsWithGguf(file)) {
      return gguf(file);
    }
    if (isPointer(file)) {
      return CheckpointInspector.inspect(file.toString(), HadoopSettings.here());
    }
    if (!file.toString().endsWith(".safetensors")) {
      throw unknown(file);
    }
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      return new Inspection(
          file.toString(), "safetensors", new LinkedHashMap<>(opened.metadata()), tensors(opened));
    }
  }

  private static Inspection gguf(Path file) {
    GgufFile gguf = GgufFile.read(file);
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("version", gguf.version());
    gguf.metadata().values().forEach((key, value) -> facts.put(key, fact(value)));
    List<TensorFacts> tensors = new ArrayList<>();
    for (GgufTensor tensor : gguf.tensors().values()) {
      tensors.add(new TensorFacts(tensor.name(), tensor.type().toString(), tensor.shape()));
    }
    return new Inspection(file.toString(), "gguf", facts, tensors);
  }

  /** A value as JSON; of a vocabulary only how long it is. */
  private static Object fact(GgufValue value) {
    if (value instanceof GgufValue.Text text) {
      return text.value();
    }
    if (value instanceof GgufValue.Whole whole) {
      return whole.value();
    }
    if (value instanceof GgufValue.Real real) {
      return real.value();
    }
    if (value instanceof GgufValue.Flag flag) {
      return flag.value();
    }
    return value.described();
  }

  private static Inspection student(Path folder) {
    List<TensorFacts> tensors = new ArrayList<>();
    Student.manifest(folder)
        .parameterShapes()
        .forEach((name, shape) -> tensors.add(new TensorFacts(name, "F32", shape)));
    return new Inspection(
        folder.toString(), "student", json(folder.resolve(Student.MANIFEST)), tensors);
  }

  private static Inspection huggingFace(Path folder) {
    List<TensorFacts> tensors = new ArrayList<>();
    try (HuggingFaceFolder opened = HuggingFaceFolder.open(folder)) {
      for (String name : opened.names()) {
        tensors.add(
            new TensorFacts(name, opened.stored(name).type().toString(), opened.shape(name)));
      }
    }
    return new Inspection(
        folder.toString(), "huggingface", json(folder.resolve("config.json")), tensors);
  }

  private static List<TensorFacts> safetensors(Path file) {
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      return tensors(opened);
    }
  }

  private static List<TensorFacts> tensors(SafetensorsFile file) {
    List<TensorFacts> tensors = new ArrayList<>();
    for (String name : file.names()) {
      tensors.add(new TensorFacts(name, file.type(name).toString(), file.shape(name)));
    }
    return tensors;
  }

  private static Map<String, Object> json(Path file) {
    try {
      return JSON.readValue(file.toFile(), OBJECT);
    } catch (JsonProcessingException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s is not a JSON object (%s).".formatted(file, e.getOriginalMessage()),
          "Write or download it again.",
          e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether a file says which checkpoint is the newest or the best. */
  private static boolean isPointer(Path file) {
    Path name = file.getFileName();
    return name != null && POINTERS.contains(name.toString());
  }

  private static boolean startsWithGguf(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return Arrays.equals(in.readNBytes(GGUF_MAGIC.length), GGUF_MAGIC);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static SparktuneException unknown(Path path) {
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        "%s is no model, adapter, student, dataset or checkpoint.".formatted(path),
        "Give a GGUF or safetensors file, or a folder with config.json, adapter_config.json, %s, %s or %s."
            .formatted(Student.MANIFEST, DatasetManifest.FILE_NAME, CHECKPOINT_STATE));
  }
}
