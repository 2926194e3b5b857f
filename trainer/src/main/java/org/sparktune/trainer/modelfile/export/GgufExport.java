package org.sparktune.trainer.modelfile.export;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.TokenizerVocabulary;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.RopeScaling;
import org.sparktune.trainer.modelfile.GgufWriter;
import org.sparktune.trainer.modelfile.TensorNames;
import org.sparktune.trainer.modelfile.WeightSource;
import org.sparktune.trainer.modelfile.blocks.BlockWriter;
import org.sparktune.trainer.modelfile.blocks.RowOrder;

/** Writes a whole model as one GGUF file that llama.cpp loads. */
public final class GgufExport {
  private static final String HEAD = "lm_head.weight";
  private static final int FILE_TYPE_BF16 = 32;

  private GgufExport() {}

  /**
   * Writes the file.
   *
   * @param file where; an existing one is replaced only when the new one is complete
   * @param name what the model is called in its metadata
   * @param config its shape
   * @param weights its tensors by Hugging Face names
   * @param type how matrices are stored: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0 or Q5_1; vectors
   *     are F32, and a matrix whose rows are no whole blocks is F16
   * @param vocabulary its tokenizer
   * @param chatTemplate its chat template, if it has one
   * @throws SparktuneException UNSUPPORTED when GGUF cannot express the model or sparktune cannot
   *     write the type
   */
  public static void write(
      Path file,
      String name,
      DecoderConfig config,
      WeightSource weights,
      GgmlType type,
      TokenizerVocabulary vocabulary,
      Optional<String> chatTemplate)
      throws IOException {
    if (!BlockWriter.canEncode(type)) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "GGUF tensors of type %s can be read but not written.".formatted(type),
          "Choose F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0 or Q5_1.");
    }
    GgufMetadataWriter metadata = new GgufMetadataWriter();
    metadata.text("general.architecture", config.architecture().ggufName());
    metadata.text("general.type", "model").text("general.name", name);
    metadata.whole("general.file_type", fileType(type)).whole("general.quantization_version", 2);
    metadata.decoder(config);
    metadata.tokenizer(vocabulary, config.vocabularySize(), chatTemplate);
    List<GgufWriter.Entry> tensors = new ArrayList<>();
    addRopeFactors(config, tensors);
    TensorNames names = TensorNames.of(config.architecture().ggufName());
    for (String tensor : weights.names()) {
      if (!(tensor.equals(HEAD) && config.tiedEmbeddings())) {
        names
            .toGguf(tensor)
            .ifPresent(gguf -> tensors.add(entry(gguf, tensor, config, names, weights, type)));
      }
    }
    GgufWriter.write(file, metadata.metadata(), tensors);
  }

  private static GgufWriter.Entry entry(
      String ggufName,
      String tensor,
      DecoderConfig config,
      TensorNames names,
      WeightSource weights,
      GgmlType type) {
    long[] shape = weights.shape(tensor);
    long columns = shape[shape.length - 1];
    GgmlType stored =
        shape.length == 1
            ? GgmlType.F32
            : columns % type.blockElements() == 0 ? type : GgmlType.F16;
    List<Long> dimensions = new ArrayList<>();
    for (long dimension : shape) {
      dimensions.add(dimension);
    }
    RowOrder order = names.rowOrder(tensor, config.headSize());
    return new GgufWriter.Entry(
        ggufName,
        stored,
        dimensions,
        arena -> {
          Tensor values = arena.allocate(DType.F32, shape);
          weights.read(tensor, values);
          return reorder(values, order, shape.length == 1 ? 1 : columns, arena);
        });
  }

  /** The rows in the file's order. */
  static Tensor reorder(Tensor values, RowOrder order, long rowElements, Arena arena) {
    if (order.isPlain()) {
      return values;
    }
    Tensor reordered = arena.allocate(DType.F32, values.shape());
    long rowBytes = rowElements * Float.BYTES;
    for (long row = 0; row < values.size() / rowElements; row++) {
      Memory.copy(
          values.address() + order.original(row) * rowBytes,
          reordered.address() + row * rowBytes,
          rowBytes);
    }
    return reordered;
  }

  private static void addRopeFactors(DecoderConfig config, List<GgufWriter.Entry> tensors) {
    RopeScaling scaling = config.ropeScaling();
    if (scaling instanceof RopeScaling.Llama3 || scaling instanceof RopeScaling.Divisors) {
      double[] plain = new RopeScaling.None().frequencies(config.ropeTheta(), config.headSize(), 0);
      double[] scaled = scaling.frequencies(config.ropeTheta(), config.headSize(), 0);
      List<Double> divisors = new ArrayList<>();
      for (int i = 0; i < plain.length; i++) {
        divisors.add(plain[i] / scaled[i]);
      }
      tensors.add(vector("rope_freqs.weight", divisors));
    } else if (scaling instanceof RopeScaling.LongRope longRope) {
      tensors.add(vector("rope_factors_long.weight", longRope.longDivisors()));
      tensors.add(vector("rope_factors_short.weight", longRope.shortDivisors()));
    }
  }

  private static GgufWriter.Entry vector(String name, List<Double> values) {
    return new GgufWriter.Entry(
        name,
        GgmlType.F32,
        List.of((long) values.size()),
        arena -> {
          Tensor tensor = arena.allocate(DType.F32, values.size());
          for (int i = 0; i < values.size(); i++) {
            tensor.setFloat(i, values.get(i).floatValue());
          }
          return tensor;
        });
  }

  /** llama.cpp's numbers of what most tensors of a file are. */
  private static int fileType(GgmlType type) {
    return switch (type) {
      case F32 -> 0;
      case F16 -> 1;
      case Q4_0 -> 2;
      case Q4_1 -> 3;
      case Q8_0 -> 7;
      case Q5_0 -> 8;
      case Q5_1 -> 9;
      case BF16 -> FILE_TYPE_BF16;
      case Q8_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K, IQ4_NL, IQ4_XS -> throw unwritable(type);
      case IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, IQ1_S, IQ1_M -> throw unwritable(type);
      case I8, I16, I32, I64, F64, TQ1_0, TQ2_0, MXFP4, NVFP4, Q1_0 -> throw unwritable(type);
    };
  }

  private static IllegalArgumentException unwritable(GgmlType type) {
    return new IllegalArgumentException(type + " cannot be written");
  }
}
