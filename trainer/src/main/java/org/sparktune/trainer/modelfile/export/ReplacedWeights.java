package org.sparktune.trainer.modelfile.export;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.ElementConversion;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.WeightSource;

/** A model some of whose tensors are others: those that were trained. */
public final class ReplacedWeights implements WeightSource {
  private final WeightSource base;
  private final SortedMap<String, Tensor> replacements;

  /**
   * Lays tensors over a model.
   *
   * @param base gives all others
   * @param replacements contiguous F32 tensors by Hugging Face names; a name that the base lacks is
   *     added
   * @throws SparktuneException MISMATCH when one has another shape than the base's; the message
   *     names it and both shapes
   */
  public ReplacedWeights(WeightSource base, Map<String, Tensor> replacements) {
    this.base = base;
    this.replacements = new TreeMap<>(replacements);
    this.replacements.forEach(
        (name, tensor) -> {
          if (base.has(name) && !Arrays.equals(base.shape(name), tensor.shape())) {
            throw mismatch(name, tensor.shape(), base.shape(name));
          }
        });
  }

  @Override
  public Set<String> names() {
    Set<String> names = new LinkedHashSet<>(base.names());
    names.addAll(replacements.keySet());
    return names;
  }

  @Override
  public boolean has(String name) {
    return replacements.containsKey(name) || base.has(name);
  }

  @Override
  public long[] shape(String name) {
    Tensor replacement = replacements.get(name);
    return replacement == null ? base.shape(name) : replacement.shape();
  }

  @Override
  public void read(String name, Tensor destination) {
    Tensor replacement = replacements.get(name);
    if (replacement == null) {
      base.read(name, destination);
      return;
    }
    if (destination.size() != replacement.size()) {
      throw mismatch(name, replacement.shape(), destination.shape());
    }
    boolean finite =
        ElementConversion.convert(
            DType.F32,
            replacement.address(),
            destination.type(),
            destination.address(),
            replacement.size());
    if (!finite) {
      throw new SparktuneException(
          ErrorCode.DIVERGED,
          "The trained tensor %s holds NaN or infinity.".formatted(name),
          "Go back to an earlier checkpoint.");
    }
  }

  private static SparktuneException mismatch(String name, long[] shape, long[] expected) {
    return new SparktuneException(
        ErrorCode.MISMATCH,
        "The trained tensor %s has the shape %s, but the model's is %s."
            .formatted(name, Arrays.toString(shape), Arrays.toString(expected)),
        "Use it with the model that it was trained on.");
  }
}
