package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.Map;

/**
 * How much of every source is taken. Records are left out at random; none is taken twice.
 *
 * @param temperature 1 leaves sources in their proportions, higher ones make them more alike
 * @param weights by name of a source, how likely its records are taken, beside others' 1; sorted
 * @param caps by name of a source, about how many of its records are taken at most; sorted
 */
public record MixOptions(double temperature, Map<String, Double> weights, Map<String, Integer> caps)
    implements Serializable {
  /** Everything is taken. */
  public static final MixOptions NONE = new MixOptions(1, Map.of(), Map.of());

  /** Whether anything is left out. */
  public boolean active() {
    return !equals(NONE);
  }
}
