package org.sparktune.trainer.modelfile.export;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.stream.LongStream;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.ElementConversion;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.modelfile.PeftAdapter;
import org.sparktune.trainer.modelfile.WeightSource;

/**
 * A model with an adapter in its weights. Each matrix is merged when it is read, in F32, as PEFT's
 * {@code merge_and_unload} does: {@code W + s·B·A}; with DoRA {@code m · (W + s·B·A) / ‖W +
 * s·B·A‖}, the norm taken per row; modules that the adapter saves whole take the place of the
 * model's.
 */
public final class AdapterMerge implements WeightSource {
  private static final String WEIGHT = ".weight";
  private static final String HEAD = "lm_head.weight";
  private static final String EMBEDDING = "model.embed_tokens.weight";

  private final WeightSource base;
  private final WeightSource replaced;
  private final PeftAdapter adapter;
  private final SortedSet<String> modules;
  private final DecoderConfig config;
  private final boolean headIsBaseEmbedding;

  /**
   * Puts an adapter on a model.
   *
   * @param base the model, open as long as this is read
   * @param config its shape
   * @param adapter its tensors live as long as this is read
   * @throws SparktuneException MISMATCH when the adapter does not fit the model; the message names
   *     the module or tensor and both shapes
   */
  public AdapterMerge(WeightSource base, DecoderConfig config, PeftAdapter adapter) {
    adapter.checkFits(base);
    Map<String, Tensor> saved = adapter.saved();
    boolean unties =
        config.tiedEmbeddings() && (saved.containsKey(HEAD) || saved.containsKey(EMBEDDING));
    for (String name : saved.keySet()) {
      requireParameter(name, saved.get(name), base, config);
    }
    this.base = base;
    this.replaced = new ReplacedWeights(base, saved);
    this.adapter = adapter;
    this.modules = adapter.modules();
    this.config = unties ? untied(config) : config;
    // PEFT trains a copy of a tied head or table, so the other of the two keeps the model's values.
    this.headIsBaseEmbedding = unties && !saved.containsKey(HEAD);
  }

  /** The merged model's shape: the base's, but that a head trained apart is no longer tied. */
  public DecoderConfig config() {
    return config;
  }

  @Override
  public Set<String> names() {
    Set<String> names = new LinkedHashSet<>(replaced.names());
    if (headIsBaseEmbedding) {
      names.add(HEAD);
    }
    return names;
  }

  @Override
  public boolean has(String name) {
    return replaced.has(name) || (headIsBaseEmbedding && name.equals(HEAD));
  }

  @Override
  public long[] shape(String name) {
    return headIsBaseEmbedding && name.equals(HEAD) ? base.shape(EMBEDDING) : replaced.shape(name);
  }

  @Override
  public void read(String name, Tensor destination) {
    if (headIsBaseEmbedding && name.equals(HEAD)) {
      base.read(EMBEDDING, destination);
      return;
    }
    String module = name.endsWith(WEIGHT) ? name.substring(0, name.length() - WEIGHT.length()) : "";
    if (!modules.contains(module)) {
      replaced.read(name, destination);
    } else if (destination.type() == DType.F32) {
      replaced.read(name, destination);
      merge(module, destination);
    } else {
      try (Arena arena = new Arena("merging " + name)) {
        Tensor merged = arena.allocate(DType.F32, shape(name));
        replaced.read(name, merged);
        merge(module, merged);
        narrow(name, merged, destination);
      }
    }
  }

  private void merge(String module, Tensor weight) {
    long[] shape = shape(module + WEIGHT);
    int columns = Math.toIntExact(shape[1]);
    float[] a = adapter.a(module).toFloatArray();
    Tensor b = adapter.b(module);
    Tensor magnitude = adapter.magnitude(module);
    float scale = (float) adapter.scale(module);
    // Rows are independent of each other, so threads change no bit.
    LongStream.range(0, shape[0])
        .parallel()
        .forEach(
            row -> {
              float[] merged = mergedRow(weight, row, columns, a, b, scale);
              if (magnitude != null) {
                rescale(merged, magnitude.getFloat(row));
              }
              Memory.copyFromHeap(merged, address(weight, row, columns), columns);
            });
  }

  /** {@code W + s·B·A} of one row. */
  private static float[] mergedRow(
      Tensor weight, long row, int columns, float[] a, Tensor b, float scale) {
    int rank = a.length / columns;
    float[] product = new float[columns];
    for (int r = 0; r < rank; r++) {
      float factor = b.getFloat(row * rank + r);
      int start = r * columns;
      for (int column = 0; column < columns; column++) {
        product[column] += factor * a[start + column];
      }
    }
    float[] merged = new float[columns];
    Memory.copyToHeap(address(weight, row, columns), merged, columns);
    for (int column = 0; column < columns; column++) {
      merged[column] += scale * product[column];
    }
    return merged;
  }

  /** Gives a row a length; a row of zeros has no direction and stays. */
  private static void rescale(float[] row, float length) {
    double squares = 0;
    for (float value : row) {
      squares += (double) value * value;
    }
    if (squares > 0) {
      float factor = (float) (length / Math.sqrt(squares));
      for (int column = 0; column < row.length; column++) {
        row[column] *= factor;
      }
    }
  }

  private static void narrow(String name, Tensor merged, Tensor destination) {
    boolean finite =
        ElementConversion.convert(
            DType.F32, merged.address(), destination.type(), destination.address(), merged.size());
    if (!finite) {
      throw new SparktuneException(
          ErrorCode.DIVERGED,
          "The merged tensor %s holds NaN or infinity.".formatted(name),
          "Use an earlier checkpoint of the adapter.");
    }
  }

  private static long address(Tensor weight, long row, int columns) {
    return weight.address() + row * columns * Float.BYTES;
  }

  private static void requireParameter(
      String name, Tensor tensor, WeightSource base, DecoderConfig config) {
    boolean untiedHead = name.equals(HEAD) && config.tiedEmbeddings() && base.has(EMBEDDING);
    if (!base.has(name) && !untiedHead) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The adapter replaces %s, but the model has no such parameter.".formatted(name),
          "Use the adapter with the model that it was trained on.");
    }
    long[] expected = base.shape(base.has(name) ? name : EMBEDDING);
    if (!Arrays.equals(expected, tensor.shape())) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The adapter's %s has the shape %s, but the model's is %s."
              .formatted(name, Arrays.toString(tensor.shape()), Arrays.toString(expected)),
          "Use the adapter with the model that it was trained on.");
    }
  }

  private static DecoderConfig untied(DecoderConfig tied) {
    return new DecoderConfig(
        tied.architecture(),
        tied.vocabularySize(),
        tied.hiddenSize(),
        tied.feedForwardSize(),
        tied.layers(),
        tied.heads(),
        tied.keyValueHeads(),
        tied.headSize(),
        tied.maxPositions(),
        tied.normEpsilon(),
        false,
        tied.queryKeyValueBias(),
        tied.outputBias(),
        tied.feedForwardBias(),
        tied.windows(),
        tied.ropeTheta(),
        tied.ropeScaling());
  }
}
