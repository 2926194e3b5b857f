package org.sparktune.pipeline.prepare;

import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;
import org.sparktune.pipeline.sample.ContentHash;
import org.sparktune.pipeline.spec.MixOptions;

/**
 * Which records are taken of every source, by a hash of what they say: neither order nor tasks
 * matter, and of two datasets with the same seed, the smaller is a part of the larger.
 *
 * @param shares by source, the probability that a record is taken; all of those not named
 * @param seed of the choice
 */
record Mixture(Map<String, Double> shares, long seed) implements Serializable {
  private static final double UNIT = 0x1.0p-53;

  /** Everything is taken. */
  static final Mixture ALL = new Mixture(Map.of(), 0);

  /**
   * The shares that make the expected number of a source's records proportional to its weight times
   * its size to the power of 1 / temperature, as multilingual models sample languages (Devlin et
   * al. 2019; Conneau et al. 2020, section 3.1). The source that would need most is taken whole, as
   * none can be taken twice; caps come last.
   *
   * @param counts by source, the records there are
   */
  static Mixture of(MixOptions options, Map<String, Long> counts, long seed) {
    Map<String, Double> shares = new TreeMap<>();
    double most = 0;
    for (Map.Entry<String, Long> source : counts.entrySet()) {
      double count = source.getValue();
      double weight = options.weights().getOrDefault(source.getKey(), 1.0);
      double share =
          count == 0 ? 0 : weight * StrictMath.pow(count, 1 / options.temperature()) / count;
      shares.put(source.getKey(), share);
      most = Math.max(most, share);
    }
    for (Map.Entry<String, Double> source : shares.entrySet()) {
      double share = most == 0 ? 1 : source.getValue() / most;
      Integer cap = options.caps().get(source.getKey());
      double count = counts.get(source.getKey());
      source.setValue(cap == null || cap >= share * count ? share : cap / count);
    }
    return new Mixture(shares, seed);
  }

  /** Whether a record is taken. */
  boolean takes(String source, long contentHash) {
    double share = shares.getOrDefault(source, 1.0);
    // Other bits than those that decide about the split and the order.
    long hash = ContentHash.mix(ContentHash.mix(contentHash) + seed);
    return share >= 1 || (hash >>> 11) * UNIT < share;
  }
}
