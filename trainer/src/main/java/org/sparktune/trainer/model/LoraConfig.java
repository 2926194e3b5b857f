package org.sparktune.trainer.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Low-rank adaptation (Hu et al. 2021) with PEFT's options.
 *
 * @param rank r where no pattern says otherwise
 * @param alpha the numerator of the scale where no pattern says otherwise
 * @param dropout probability of dropping an input element of the factors while training
 * @param targets which linear modules get factors
 * @param useRslora scale alpha/√r (Kalajdzievski 2023) instead of alpha/r
 * @param useDora weight-decomposed factors (Liu et al. 2024)
 * @param rankPattern ranks of modules by pattern; the first that matches counts
 * @param alphaPattern alphas of modules by pattern
 * @param modulesToSave modules that are trained whole and saved in the adapter
 * @param initialization how the A factors start; B starts at zero
 * @param policies what is different for some modules
 */
public record LoraConfig(
    int rank,
    double alpha,
    double dropout,
    TargetModules targets,
    boolean useRslora,
    boolean useDora,
    Map<String, Integer> rankPattern,
    Map<String, Double> alphaPattern,
    List<String> modulesToSave,
    Initialization initialization,
    List<LayerPolicy> policies) {

  /** How the A factors start. */
  public enum Initialization {
    /** Uniform in ±1/√in: PyTorch's default for a linear module. */
    KAIMING_UNIFORM,
    /** Normal with standard deviation 1/r. */
    GAUSSIAN
  }

  /** Checks the numbers. */
  public LoraConfig {
    rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
    alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(alphaPattern));
    modulesToSave = List.copyOf(modulesToSave);
    policies = List.copyOf(policies);
    require(rank > 0, "has rank " + rank, "Give a positive rank, such as 16.");
    require(alpha > 0, "has alpha " + alpha, "Give a positive alpha, such as twice the rank.");
    require(
        dropout >= 0 && dropout < 1, "has dropout " + dropout, "Give a dropout from 0 to below 1.");
    for (Map.Entry<String, Integer> entry : rankPattern.entrySet()) {
      require(
          entry.getValue() > 0,
          "has rank %d for \"%s\"".formatted(entry.getValue(), entry.getKey()),
          "Give a positive rank.");
    }
    if (useDora && dropout > 0) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "DoRA with a dropout of %s is not supported.".formatted(dropout),
          "Set dropout to 0 or use_dora to false.");
    }
  }

  /** Plain LoRA of one rank. */
  public static LoraConfig of(int rank, double alpha, TargetModules targets) {
    return new LoraConfig(
        rank,
        alpha,
        0,
        targets,
        false,
        false,
        Map.of(),
        Map.of(),
        List.of(),
        Initialization.KAIMING_UNIFORM,
        List.of());
  }

  /**
   * One module's factors.
   *
   * @param rank r
   * @param scale the factor on B·A
   */
  public record Factors(int rank, double scale) {}

  /** The factors of a linear module, if it gets some. */
  public Optional<Factors> factors(String module) {
    if (!targets.includes(module)) {
      return Optional.empty();
    }
    int moduleRank = patterned(rankPattern, module, rank);
    double moduleAlpha = patterned(alphaPattern, module, alpha);
    for (LayerPolicy policy : policies) {
      if (policy.applies(module)) {
        if (policy.freeze()) {
          return Optional.empty();
        }
        moduleRank = policy.rank() > 0 ? policy.rank() : moduleRank;
      }
    }
    double divisor = useRslora ? Math.sqrt(moduleRank) : moduleRank;
    return Optional.of(new Factors(moduleRank, moduleAlpha / divisor));
  }

  private static <T> T patterned(Map<String, T> patterns, String module, T otherwise) {
    for (Map.Entry<String, T> entry : patterns.entrySet()) {
      if (ModulePattern.matches(entry.getKey(), module)) {
        return entry.getValue();
      }
    }
    return otherwise;
  }

  private static void require(boolean holds, String problem, String hint) {
    if (!holds) {
      throw new SparktuneException(
          ErrorCode.INVALID_SPEC, "The LoRA configuration " + problem + ".", hint);
    }
  }
}
