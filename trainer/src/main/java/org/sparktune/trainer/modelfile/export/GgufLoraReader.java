package org.sparktune.trainer.modelfile.export;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.gguf.GgufFile;
import org.sparktune.tokenizer.gguf.GgufMetadata;
import org.sparktune.tokenizer.gguf.GgufTensor;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.MappedFile;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.modelfile.AdapterConfig;
import org.sparktune.trainer.modelfile.PeftAdapter;
import org.sparktune.trainer.modelfile.TensorNames;
import org.sparktune.trainer.modelfile.blocks.RowOrder;
import org.sparktune.trainer.modelfile.blocks.StoredTensor;

/** Reads a LoRA from the GGUF file that llama.cpp's {@code --lora} loads, as PEFT would keep it. */
public final class GgufLoraReader {
  private static final String PEFT_A = ".lora_A.weight";
  private static final String PEFT_B = ".lora_B.weight";

  private final GgufFile gguf;
  private final DecoderConfig base;
  private final TensorNames names;

  private GgufLoraReader(GgufFile gguf, DecoderConfig base) {
    this.gguf = gguf;
    this.base = base;
    this.names = TensorNames.of(base.architecture().ggufName());
  }

  /**
   * Reads a file.
   *
   * @param file the adapter
   * @param base the shape of the model that it belongs to
   * @param arena holds the tensors
   * @throws SparktuneException BAD_FILE when it is damaged or no LoRA, MISMATCH when it belongs to
   *     a model of another architecture
   */
  public static PeftAdapter read(Path file, DecoderConfig base, Arena arena) {
    return new GgufLoraReader(GgufFile.read(file), base).read(arena);
  }

  private PeftAdapter read(Arena arena) {
    GgufMetadata metadata = gguf.metadata();
    String kind = metadata.optionalText("general.type").orElse("model");
    String type = metadata.optionalText("adapter.type").orElse("");
    if (!kind.equals("adapter") || !type.equals("lora")) {
      throw broken("is no LoRA");
    }
    String architecture = metadata.text("general.architecture");
    if (!architecture.equals(base.architecture().ggufName())) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The adapter %s was made for a %s model, not for a %s model."
              .formatted(gguf.path(), architecture, base.architecture().ggufName()),
          "Use the adapter with the model that it was trained on.");
    }
    SortedMap<String, Tensor> tensors = new TreeMap<>();
    try (MappedFile mapped = MappedFile.open(gguf.path())) {
      for (GgufTensor tensor : gguf.tensors().values()) {
        peftName(tensor.name())
            .ifPresent(name -> tensors.put(name, values(tensor, name, mapped, arena)));
      }
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s cannot be read: %s.".formatted(gguf.path(), e.getMessage()),
          "Check that you may read it.",
          e);
    }
    requirePairs(tensors);
    return new PeftAdapter(config(tensors, metadata.number(GgufLora.ALPHA, 0)), tensors);
  }

  /** PEFT's name of a factor; none for a norm, which llama.cpp ignores too. */
  private Optional<String> peftName(String name) {
    boolean isA = name.endsWith(GgufLora.A);
    if (!isA && !name.endsWith(GgufLora.B)) {
      if (name.endsWith("_norm.weight")) {
        return Optional.empty();
      }
      throw broken("has the tensor %s, which is no factor of a LoRA".formatted(name));
    }
    String weight = name.substring(0, name.length() - GgufLora.A.length());
    String module =
        names
            .toHuggingFace(weight)
            .filter(found -> found.endsWith(".weight"))
            .orElseThrow(() -> broken("has factors for the unknown tensor " + weight));
    String bare = module.substring(0, module.length() - ".weight".length());
    return Optional.of(bare + (isA ? PEFT_A : PEFT_B));
  }

  private Tensor values(GgufTensor stored, String name, MappedFile mapped, Arena arena) {
    RowOrder order = RowOrder.PLAIN;
    if (name.endsWith(PEFT_B)) {
      order = names.rowOrder(name.replace(PEFT_B, ".weight"), base.headSize());
      if (!order.isPlain() && stored.rows() % order.headSize() != 0) {
        throw broken(
            "has %d rows in %s, which heads of %d rows cannot share"
                .formatted(stored.rows(), stored.name(), order.headSize()));
      }
    }
    Tensor values = arena.allocate(DType.F32, stored.shape());
    new StoredTensor(stored.name(), stored.type(), stored.shape(), mapped, stored.offset(), order)
        .read(values);
    return values;
  }

  private void requirePairs(SortedMap<String, Tensor> tensors) {
    if (tensors.isEmpty()) {
      throw broken("holds no factors");
    }
    for (String name : tensors.keySet()) {
      boolean isA = name.endsWith(PEFT_A);
      String module = module(name);
      Tensor a = tensors.get(module + PEFT_A);
      Tensor b = tensors.get(module + PEFT_B);
      if (a == null || b == null) {
        throw broken("has only one factor, %s, for %s".formatted(isA ? "A" : "B", module));
      }
      if (a.shape().length != 2 || b.shape().length != 2 || a.shape()[0] != b.shape()[1]) {
        throw broken("gives the factors of %s different ranks".formatted(module));
      }
    }
  }

  /** An alpha of 0 means a scale of one, so each module's alpha is its rank. */
  private AdapterConfig config(SortedMap<String, Tensor> tensors, double alpha) {
    Map<String, Integer> rankOf = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          if (name.endsWith(PEFT_A)) {
            rankOf.put(module(name), Math.toIntExact(tensor.shape()[0]));
          }
        });
    int rank = rankOf.values().iterator().next();
    Map<String, Integer> ranks = new LinkedHashMap<>();
    Map<String, Double> alphas = new LinkedHashMap<>();
    rankOf.forEach(
        (module, own) -> {
          if (own != rank) {
            ranks.put(module, own);
            if (alpha == 0) {
              alphas.put(module, (double) own);
            }
          }
        });
    return new AdapterConfig(
        "",
        "CAUSAL_LM",
        rank,
        alpha == 0 ? rank : alpha,
        0,
        targets(rankOf.keySet()),
        false,
        false,
        false,
        ranks,
        alphas,
        List.of());
  }

  /** Short names of modules that every layer has factors for, full names of others; sorted. */
  private List<String> targets(Iterable<String> modules) {
    Map<String, Integer> layers = new TreeMap<>();
    modules.forEach(module -> layers.merge(shortName(module), 1, Integer::sum));
    TreeSet<String> targets = new TreeSet<>();
    for (String module : modules) {
      String shortName = shortName(module);
      targets.add(layers.get(shortName) == base.layers() ? shortName : module);
    }
    return List.copyOf(targets);
  }

  private static String shortName(String module) {
    return module.substring(module.lastIndexOf('.') + 1);
  }

  private static String module(String name) {
    return name.substring(0, name.length() - PEFT_A.length());
  }

  private SparktuneException broken(String problem) {
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        "The adapter %s %s.".formatted(gguf.path(), problem),
        "Give a LoRA that sparktune export or llama.cpp's converter wrote.");
  }
}
