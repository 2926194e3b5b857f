package org.sparktune.pipeline.pair;

import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparktune.pipeline.spec.PairOptions.Balance;

/**
 * Drops pairs at random where too many are alike: each stays with a probability that makes the
 * expected numbers equal, by a hash of what it is, so that no shuffle and no count is needed to
 * decide.
 */
public final class PairBalance implements Serializable {
  private static final long serialVersionUID = 1L;

  private final PairPolicy policy;
  private final Map<PairCounts.Stratum, Double> kept = new TreeMap<>();

  /**
   * @param counts of all pairs
   */
  public PairBalance(PairPolicy policy, PairCounts counts) {
    this.policy = policy;
    List<Balance> wanted = policy.options().balance();
    Map<Integer, Double> bySource = new TreeMap<>();
    counts
        .strata()
        .forEach(
            (stratum, count) -> {
              double share =
                  wanted.contains(Balance.LENGTH) ? lengthShare(stratum, counts.strata()) : 1;
              kept.put(stratum, share);
              bySource.merge(stratum.source(), share * count, Double::sum);
            });
    if (wanted.contains(Balance.SOURCE)) {
      double least = bySource.values().stream().mapToDouble(count -> count).min().orElse(0);
      kept.replaceAll((stratum, share) -> share * least / bySource.get(stratum.source()));
    }
  }

  /** A source all of whose pairs are alike cannot be balanced, and stays as it is. */
  private static double lengthShare(
      PairCounts.Stratum stratum, Map<PairCounts.Stratum, Long> strata) {
    PairCounts.Stratum opposite = new PairCounts.Stratum(stratum.source(), -stratum.longer());
    long others = strata.getOrDefault(opposite, 0L);
    return others == 0 ? 1 : Math.min(1, (double) others / strata.get(stratum));
  }

  /** Whether a pair stays. */
  public boolean keeps(ChosenPair pair) {
    double share = kept.getOrDefault(PairCounts.Stratum.of(pair), 1.0);
    return share >= 1
        || policy.unit(pair.prompt(), pair.chosen().hash() + 31 * pair.rejected().hash(), 6)
            < share;
  }
}
