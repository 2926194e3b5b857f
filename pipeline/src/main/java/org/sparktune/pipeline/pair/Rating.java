package org.sparktune.pipeline.pair;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparktune.pipeline.spec.PairOptions;

/** Scores of responses from comparisons between them. */
final class Rating {
  private Rating() {}

  /**
   * Everyone who was compared, with a score. Responses that say the same are one, found where the
   * first of them is.
   *
   * @param contests in the order in which they took place
   */
  static List<Candidate> of(PairOptions.Rating method, List<Contest> contests) {
    Map<Long, Candidate> byText = new LinkedHashMap<>();
    for (Contest contest : contests) {
      byText.merge(contest.first().hash(), contest.first(), Rating::earlier);
      byText.merge(contest.second().hash(), contest.second(), Rating::earlier);
    }
    Map<Long, Integer> numbers = new LinkedHashMap<>();
    byText.keySet().forEach(hash -> numbers.put(hash, numbers.size()));
    int[] first = new int[contests.size()];
    int[] second = new int[contests.size()];
    double[] outcomes = new double[contests.size()];
    int count = 0;
    for (Contest contest : contests) {
      // Nobody can be better than itself.
      if (contest.first().hash() != contest.second().hash()) {
        first[count] = numbers.get(contest.first().hash());
        second[count] = numbers.get(contest.second().hash());
        outcomes[count] = contest.outcome();
        count++;
      }
    }
    Games games = new Games(byText.size(), count, first, second, outcomes);
    double[] scores =
        switch (method) {
          case BRADLEY_TERRY -> BradleyTerry.strengths(games);
          case ELO -> Elo.ratings(games);
        };
    List<Candidate> rated = new ArrayList<>(scores.length);
    int number = 0;
    for (Candidate candidate : byText.values()) {
      rated.add(candidate.withScore(scores[number]));
      number++;
    }
    return rated;
  }

  private static Candidate earlier(Candidate one, Candidate other) {
    return Candidate.BY_PLACE.compare(one, other) <= 0 ? one : other;
  }

  /**
   * Comparisons by numbers of players.
   *
   * @param players how many
   * @param count how many comparisons
   * @param first by comparison, one player
   * @param second the other
   * @param outcome 1 where the first won, 0 where the second did, ½ for a tie
   */
  record Games(int players, int count, int[] first, int[] second, double[] outcome) {}
}
