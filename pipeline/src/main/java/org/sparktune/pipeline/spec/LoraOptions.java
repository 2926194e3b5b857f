package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The shape of an adapter, in PEFT's words.
 *
 * @param rank r
 * @param alpha the scale is alpha / r, or alpha / √r with rsLoRA
 * @param dropout on the adapter's input
 * @param targetModules module names or suffixes; {@link #ALL_LINEAR} alone means every linear layer
 *     but the LM head
 * @param useRslora rank-stabilised scaling
 * @param useDora weight-decomposed adaptation
 * @param rankPattern rank by module pattern, sorted
 * @param alphaPattern alpha by module pattern, sorted
 * @param modulesToSave modules trained in full beside the adapter
 * @param init how A is initialised
 * @param quantization how the frozen base is held in memory
 */
public record LoraOptions(
    int rank,
    double alpha,
    double dropout,
    List<String> targetModules,
    boolean useRslora,
    boolean useDora,
    Map<String, Integer> rankPattern,
    Map<String, Double> alphaPattern,
    List<String> modulesToSave,
    Init init,
    Quantization quantization)
    implements Serializable {

  /** The word for every linear layer but the LM head. */
  public static final String ALL_LINEAR = "all-linear";

  /** The same with more modules that are trained in full. */
  LoraOptions withSaved(List<String> modules) {
    Set<String> saved = new LinkedHashSet<>(modulesToSave);
    saved.addAll(modules);
    return new LoraOptions(
        rank,
        alpha,
        dropout,
        targetModules,
        useRslora,
        useDora,
        rankPattern,
        alphaPattern,
        List.copyOf(saved),
        init,
        quantization);
  }

  /** How A is initialised; B is zero. */
  public enum Init {
    /** Uniform in ±1/√in. */
    DEFAULT,
    /** Normal with standard deviation 1/r. */
    GAUSSIAN
  }
}
