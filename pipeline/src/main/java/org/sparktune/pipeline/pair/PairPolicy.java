package org.sparktune.pipeline.pair;

import java.io.Serializable;
import java.util.Comparator;
import org.sparktune.pipeline.sample.ContentHash;
import org.sparktune.pipeline.spec.PairOptions;

/**
 * Which responses are kept of a prompt: the first by one order may be chosen, the first by another
 * rejected. Whatever is random follows from the seed and from what is said, so that it does not
 * depend on where a response is or when it comes.
 *
 * @param options the strategy
 * @param seed of what is drawn
 */
public record PairPolicy(PairOptions options, long seed) implements Serializable {
  /** Responses of a prompt among which pairs with a margin are looked for. */
  static final int RESERVOIR = 64;

  /** Comparisons of a prompt that are kept. */
  static final int MAXIMUM_CONTESTS = 2048;

  private static final double UNIT = 0x1.0p-53;

  /** The good ones first. */
  Comparator<Candidate> chosenOrder(long prompt) {
    return switch (options.strategy()) {
      case GIVEN, BEST_WORST, TOP_K -> order(candidate -> candidate.score());
      case MARGIN -> order(candidate -> unit(prompt, candidate.hash(), 3));
      case TEMPERATURE ->
          order(
              candidate ->
                  candidate.score() / options.temperature()
                      + gumbel(unit(prompt, candidate.hash(), 1)));
    };
  }

  /** The bad ones first. */
  Comparator<Candidate> rejectedOrder(long prompt) {
    return switch (options.strategy()) {
      // Exactly the other way round: of those alike, the first for one is the last for the other.
      case GIVEN, BEST_WORST, TOP_K -> chosenOrder(prompt).reversed();
      case MARGIN -> chosenOrder(prompt);
      case TEMPERATURE ->
          order(
              candidate ->
                  -candidate.score() / options.temperature()
                      + gumbel(unit(prompt, candidate.hash(), 2)));
    };
  }

  /** A random order of comparisons. */
  Comparator<Contest> contestOrder(long prompt) {
    return Comparator.<Contest>comparingDouble(
            contest -> unit(prompt, contest.first().hash() + 31 * contest.second().hash(), 4))
        .thenComparing(Contest.BY_PLACE);
  }

  /** How many are kept on either side. */
  int capacity() {
    return switch (options.strategy()) {
      case GIVEN, BEST_WORST -> 1;
      case TOP_K, TEMPERATURE -> options.maxPairs();
      case MARGIN -> RESERVOIR;
    };
  }

  /** A random number above 0 and below 1 that follows from what it is for. */
  double unit(long prompt, long what, long purpose) {
    long hash = ContentHash.mix(seed + purpose);
    hash = ContentHash.mix(hash ^ prompt);
    hash = ContentHash.mix(hash ^ what);
    return ((hash >>> 11) + 0.5) * UNIT;
  }

  private interface Key {
    double of(Candidate candidate);
  }

  private static Comparator<Candidate> order(Key key) {
    return Comparator.<Candidate>comparingDouble(candidate -> -key.of(candidate))
        .thenComparingLong(Candidate::hash)
        .thenComparing(Candidate.BY_PLACE);
  }

  /**
   * Noise that makes the largest of sums with logarithmic weights a draw by the weights, and the
   * first k of them draws without replacement: Gumbel's, see Kool, van Hoof and Welling (ICML
   * 2019); the same as the keys of Efraimidis and Spirakis (2006).
   */
  private static double gumbel(double unit) {
    return -StrictMath.log(-StrictMath.log(unit));
  }
}
