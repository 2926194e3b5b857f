package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.List;
import java.util.Locale;

/**
 * How preference pairs are made of responses that have scores, ranks or comparisons.
 *
 * @param strategy which responses make a pair
 * @param maxPairs most pairs of a prompt
 * @param minMargin a pair's scores differ by at least this
 * @param temperature of {@link Strategy#TEMPERATURE}: lower ones prefer the extremes more
 * @param rating what makes scores of ranks and comparisons
 * @param balance what pairs are dropped for at random, so that none prevails
 */
public record PairOptions(
    Strategy strategy,
    int maxPairs,
    double minMargin,
    double temperature,
    Rating rating,
    List<Balance> balance)
    implements Serializable {
  /** Where nothing else is asked for, except of {@link Strategy#BEST_WORST}, which makes one. */
  public static final int DEFAULT_MAX_PAIRS = 4;

  /** Pairs come as pairs. */
  public static final PairOptions NONE = of(Strategy.GIVEN, 1);

  /** Options with the defaults for all else. */
  public static PairOptions of(Strategy strategy, int maxPairs) {
    return new PairOptions(strategy, maxPairs, 0, 1, Rating.BRADLEY_TERRY, List.of());
  }

  /** Whether pairs are made. */
  public boolean active() {
    return strategy != Strategy.GIVEN;
  }

  /** Which responses of a prompt make a pair. */
  public enum Strategy {
    /** Records are pairs already. */
    GIVEN,
    /** The best and the worst. */
    BEST_WORST,
    /** The best with the worst, the second best with the second worst, and so on. */
    TOP_K,
    /** Any two that differ enough, at random. */
    MARGIN,
    /** Responses are drawn, good ones rather as chosen and bad ones rather as rejected. */
    TEMPERATURE;

    /** The word in specifications and manifests. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** What makes scores of ranks and comparisons. */
  public enum Rating {
    /** The most likely strengths of the Bradley–Terry model. */
    BRADLEY_TERRY,
    /** Elo's update, comparison by comparison. */
    ELO
  }

  /** What pairs are balanced by. */
  public enum Balance {
    /** About as many pairs of every source. */
    SOURCE,
    /** About as many pairs whose chosen response is the longer one as pairs where it is not. */
    LENGTH
  }
}
