package org.sparktune.trainer.modelfile.export;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.tokenizer.gguf.GgufValue;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.modelfile.GgufWriter;
import org.sparktune.trainer.modelfile.PeftAdapter;
import org.sparktune.trainer.modelfile.TensorNames;
import org.sparktune.trainer.modelfile.blocks.RowOrder;

/**
 * Writes a LoRA as the GGUF file that llama.cpp's {@code --lora} loads. llama.cpp multiplies B·A by
 * {@code alpha / r}, or by one where alpha is 0. So alpha is written as it is where all modules
 * share it and their rank; for rsLoRA and for patterns the true scale is folded into B and alpha is
 * 0, which is exact for every module.
 */
public final class GgufLora {
  static final String ALPHA = "adapter.lora.alpha";
  static final String A = ".lora_a";
  static final String B = ".lora_b";

  private static final String INSTEAD = "Export the merged model instead.";

  private GgufLora() {}

  /**
   * Writes the file.
   *
   * @param file where; an existing one is replaced only when the new one is complete
   * @param name what the adapter is called in its metadata
   * @param adapter the LoRA
   * @param base the shape of the model that it was trained on
   * @throws SparktuneException UNSUPPORTED for what the format cannot express: DoRA, modules saved
   *     whole, modules without a name in GGUF
   */
  public static void write(Path file, String name, PeftAdapter adapter, DecoderConfig base)
      throws IOException {
    refuseInexpressible(adapter);
    String architecture = base.architecture().ggufName();
    TensorNames names = TensorNames.of(architecture);
    boolean uniform = isUniform(adapter);
    Map<String, GgufValue> metadata = new LinkedHashMap<>();
    metadata.put("general.architecture", GgufValue.text(architecture));
    metadata.put("general.type", GgufValue.text("adapter"));
    metadata.put("adapter.type", GgufValue.text("lora"));
    metadata.put("general.name", GgufValue.text(name));
    metadata.put(ALPHA, GgufValue.real(uniform ? adapter.config().alpha() : 0));
    metadata.put("general.quantization_version", GgufValue.unsigned(2));
    List<GgufWriter.Entry> tensors = new ArrayList<>();
    for (String module : adapter.modules()) {
      String weight = module + ".weight";
      String ggufName =
          names
              .toGguf(weight)
              .orElseThrow(
                  () ->
                      unsupported(
                          "The adapter has factors for %s, which GGUF files of %s have no name for."
                              .formatted(module, architecture)));
      Tensor a = adapter.a(module);
      Tensor b = adapter.b(module);
      RowOrder order = names.rowOrder(weight, base.headSize());
      float factor = uniform ? 1 : (float) adapter.scale(module);
      tensors.add(entry(ggufName + A, a, arena -> a));
      tensors.add(entry(ggufName + B, b, arena -> factorB(b, factor, order, arena)));
    }
    GgufWriter.write(file, metadata, tensors);
  }

  private static void refuseInexpressible(PeftAdapter adapter) {
    if (adapter.config().useDora()) {
      throw unsupported("The adapter is a DoRA, which a GGUF adapter cannot express.");
    }
    if (!adapter.saved().isEmpty()) {
      throw unsupported(
          "The adapter replaces whole parameters (%s), which a GGUF adapter cannot express."
              .formatted(String.join(", ", adapter.saved().keySet())));
    }
  }

  /** Whether llama.cpp's {@code alpha / r} is the scale of every module. */
  private static boolean isUniform(PeftAdapter adapter) {
    double alpha = adapter.config().alpha();
    Set<Long> ranks = new HashSet<>();
    for (String module : adapter.modules()) {
      long rank = adapter.a(module).shape()[0];
      ranks.add(rank);
      if (adapter.scale(module) != alpha / rank) {
        return false;
      }
    }
    return ranks.size() == 1 && alpha != 0;
  }

  private static GgufWriter.Entry entry(String name, Tensor tensor, GgufWriter.Data data) {
    long[] shape = tensor.shape();
    return new GgufWriter.Entry(name, GgmlType.F32, List.of(shape[0], shape[1]), data);
  }

  /** B times a factor, its rows in the file's order. */
  private static Tensor factorB(Tensor b, float factor, RowOrder order, Arena arena) {
    Tensor scaled = b;
    if (factor != 1) {
      scaled = arena.allocate(DType.F32, b.shape());
      for (long i = 0; i < b.size(); i++) {
        scaled.setFloat(i, factor * b.getFloat(i));
      }
    }
    return GgufExport.reorder(scaled, order, b.columns(), arena);
  }

  private static SparktuneException unsupported(String message) {
    return new SparktuneException(ErrorCode.UNSUPPORTED, message, INSTEAD);
  }
}
