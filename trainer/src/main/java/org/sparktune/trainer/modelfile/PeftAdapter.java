package org.sparktune.trainer.modelfile;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.sparktune.core.AtomicFile;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * A LoRA in memory as PEFT keeps it: F32 tensors by names without PEFT's prefix, such as {@code
 * model.layers.0.mlp.up_proj.lora_A.weight} {@code (r, in)}, {@code ….lora_B.weight} {@code (out,
 * r)}, {@code ….lora_magnitude_vector} {@code (out)} and whole modules such as {@code
 * lm_head.weight}.
 */
public final class PeftAdapter {
  /** The name of the weights file in an adapter folder. */
  public static final String WEIGHTS = "adapter_model.safetensors";

  private static final String PREFIX = "base_model.model.";
  private static final String A = ".lora_A.weight";
  private static final String B = ".lora_B.weight";
  private static final String MAGNITUDE = ".lora_magnitude_vector";

  private final AdapterConfig config;
  private final SortedMap<String, Tensor> tensors;

  /** Describes an adapter whose tensors live elsewhere. */
  public PeftAdapter(AdapterConfig config, Map<String, Tensor> tensors) {
    this.config = config;
    this.tensors = new TreeMap<>(tensors);
  }

  /**
   * Reads an adapter folder.
   *
   * @param arena holds the tensors
   * @throws SparktuneException BAD_FILE when something is missing or broken
   */
  public static PeftAdapter read(Path folder, Arena arena) {
    if (!Files.isRegularFile(folder.resolve(AdapterConfig.FILE_NAME))) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The adapter folder %s has no %s.".formatted(folder, AdapterConfig.FILE_NAME),
          "Give a folder that PEFT or sparktune wrote a LoRA to.");
    }
    AdapterConfig config = AdapterConfig.read(folder.resolve(AdapterConfig.FILE_NAME));
    TreeMap<String, Tensor> tensors = new TreeMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(WEIGHTS))) {
      for (String name : file.names()) {
        Tensor tensor = arena.allocate(DType.F32, file.shape(name));
        file.read(name, tensor);
        tensors.put(name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name, tensor);
      }
    }
    PeftAdapter adapter = new PeftAdapter(config, tensors);
    adapter.checkPairs(folder);
    return adapter;
  }

  /** Writes {@code adapter_model.safetensors} and {@code adapter_config.json} into a folder. */
  public void write(Path folder) throws IOException {
    TreeMap<String, Tensor> prefixed = new TreeMap<>();
    tensors.forEach((name, tensor) -> prefixed.put(PREFIX + name, tensor));
    SafetensorsWriter.write(folder.resolve(WEIGHTS), prefixed);
    byte[] text = config.toJson().getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(
        folder.resolve(AdapterConfig.FILE_NAME), temporary -> Files.write(temporary, text));
  }

  /** The configuration. */
  public AdapterConfig config() {
    return config;
  }

  /** All tensors by name, sorted. */
  public SortedMap<String, Tensor> tensors() {
    return Collections.unmodifiableSortedMap(tensors);
  }

  /** The modules that have low-rank factors, such as {@code model.layers.0.mlp.up_proj}, sorted. */
  public SortedSet<String> modules() {
    SortedSet<String> modules = new TreeSet<>();
    for (String name : tensors.keySet()) {
      if (name.endsWith(A)) {
        modules.add(name.substring(0, name.length() - A.length()));
      }
    }
    return modules;
  }

  /** The tensors that replace whole parameters of the model, by the parameter's name. */
  public SortedMap<String, Tensor> saved() {
    SortedMap<String, Tensor> saved = new TreeMap<>(tensors);
    saved
        .keySet()
        .removeIf(name -> name.endsWith(A) || name.endsWith(B) || name.endsWith(MAGNITUDE));
    return saved;
  }

  /** A module's A, {@code (r, in)}. */
  public Tensor a(String module) {
    return tensors.get(module + A);
  }

  /** A module's B, {@code (out, r)}. */
  public Tensor b(String module) {
    return tensors.get(module + B);
  }

  /** A module's DoRA magnitudes, {@code (out)}, or null. */
  public Tensor magnitude(String module) {
    return tensors.get(module + MAGNITUDE);
  }

  /**
   * The factor on B·A of a module: alpha/r or, for rsLoRA, alpha/√r, with the module's own alpha
   * and rank.
   */
  public double scale(String module) {
    int rank = Math.toIntExact(a(module).shape()[0]);
    double alpha = config.alpha();
    for (Map.Entry<String, Double> entry : config.alphaPattern().entrySet()) {
      if (module.matches("(.*\\.)?(" + entry.getKey() + ")")) {
        alpha = entry.getValue();
        break;
      }
    }
    return alpha / (config.useRslora() ? Math.sqrt(rank) : rank);
  }

  /**
   * Checks that every factor fits the model.
   *
   * @throws SparktuneException MISMATCH that names the module and both shapes
   */
  public void checkFits(WeightSource model) {
    for (String module : modules()) {
      String weight = module + ".weight";
      if (!model.has(weight)) {
        throw new SparktuneException(
            ErrorCode.MISMATCH,
            "The adapter has factors for %s, but the model has no such module.".formatted(module),
            "Use the adapter with the model that it was trained on.");
      }
      long[] shape = model.shape(weight);
      long out = b(module).shape()[0];
      long in = a(module).shape()[1];
      if (shape[0] != out || shape[1] != in) {
        throw new SparktuneException(
            ErrorCode.MISMATCH,
            "The adapter's factors for %s make a %d × %d matrix, but the model's is %d × %d."
                .formatted(module, out, in, shape[0], shape[1]),
            "Use the adapter with the model that it was trained on.");
      }
    }
  }

  private void checkPairs(Path folder) {
    for (String name : tensors.keySet()) {
      String other =
          name.endsWith(A)
              ? name.substring(0, name.length() - A.length()) + B
              : name.endsWith(B) ? name.substring(0, name.length() - B.length()) + A : name;
      if (!tensors.containsKey(other)) {
        throw broken(folder, "has %s but not %s".formatted(name, other));
      }
    }
    for (String module : modules()) {
      long[] a = a(module).shape();
      long[] b = b(module).shape();
      if (a.length != 2 || b.length != 2 || a[0] != b[1]) {
        throw broken(folder, "gives the factors of %s different ranks".formatted(module));
      }
      if (config.useDora() && magnitude(module) == null) {
        throw broken(folder, "uses DoRA but has no magnitudes for " + module);
      }
    }
    if (modules().isEmpty() && saved().isEmpty()) {
      throw broken(folder, "holds no tensors");
    }
  }

  private static SparktuneException broken(Path folder, String problem) {
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        "The adapter in %s %s.".formatted(folder, problem),
        "Save it again, or use another checkpoint of it.");
  }
}
