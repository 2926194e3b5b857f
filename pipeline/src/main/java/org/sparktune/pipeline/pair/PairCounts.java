package org.sparktune.pipeline.pair;

import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/** What was counted while pairs were made. */
public final class PairCounts implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Pairs with the same score on both sides. */
  static final String TIES = "pairs.ties";

  /** Pairs that say the same on both sides. */
  static final String IDENTICAL = "pairs.identical";

  /** Pairs whose margin is too small. */
  static final String NARROW = "pairs.below_margin";

  private static final String PROMPTS = "pairs.prompts";
  private static final String RESPONSES = "pairs.responses";
  private static final String SINGLE = "pairs.prompts_with_one_response";
  private static final String MADE = "pairs.made";

  private final Map<String, Long> counts = new TreeMap<>();
  private final Map<Stratum, Long> strata = new TreeMap<>();

  /**
   * Pairs that are alike in what is balanced.
   *
   * @param source the source of the chosen response
   * @param longer 1 where the chosen response is the longer one, -1 where it is the shorter one
   */
  record Stratum(int source, int longer) implements Comparable<Stratum>, Serializable {
    static Stratum of(ChosenPair pair) {
      return new Stratum(
          pair.chosen().source(),
          Integer.compare(pair.chosen().length(), pair.rejected().length()));
    }

    @Override
    public int compareTo(Stratum other) {
      return source != other.source
          ? Integer.compare(source, other.source)
          : Integer.compare(longer, other.longer);
    }
  }

  void add(String name) {
    counts.merge(name, 1L, Long::sum);
  }

  void addPrompt(long responses) {
    add(PROMPTS);
    counts.merge(RESPONSES, responses, Long::sum);
    if (responses == 1) {
      add(SINGLE);
    }
  }

  void addPair(ChosenPair pair) {
    add(MADE);
    strata.merge(Stratum.of(pair), 1L, Long::sum);
  }

  /** Adds what was counted elsewhere. */
  public PairCounts merge(PairCounts other) {
    other.counts.forEach((name, count) -> counts.merge(name, count, Long::sum));
    other.strata.forEach((stratum, count) -> strata.merge(stratum, count, Long::sum));
    return this;
  }

  /** By name. */
  public Map<String, Long> counts() {
    return counts;
  }

  /** How many pairs were made. */
  public long made() {
    return counts.getOrDefault(MADE, 0L);
  }

  Map<Stratum, Long> strata() {
    return strata;
  }
}
