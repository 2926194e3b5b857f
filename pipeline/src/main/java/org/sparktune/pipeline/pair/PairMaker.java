package org.sparktune.pipeline.pair;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.sparktune.pipeline.spec.PairOptions;

/** Makes the pairs of a prompt from what was kept of its responses. */
public final class PairMaker {
  private final PairPolicy policy;
  private final PairCounts counts;

  /**
   * @param counts where it is counted what was made and what was not
   */
  public PairMaker(PairPolicy policy, PairCounts counts) {
    this.policy = policy;
    this.counts = counts;
  }

  /** The pairs of one prompt, the same for the same responses. */
  public List<ChosenPair> pairs(PromptSummary summary) {
    counts.addPrompt(summary.responses());
    PromptSummary rated = summary.rated();
    List<ChosenPair> pairs =
        policy.options().strategy() == PairOptions.Strategy.MARGIN ? any(rated) : ranked(rated);
    for (ChosenPair pair : pairs) {
      counts.addPair(pair);
    }
    return pairs;
  }

  /** The first with the first, the second with the second, and so on. */
  private List<ChosenPair> ranked(PromptSummary summary) {
    List<ChosenPair> pairs = new ArrayList<>();
    boolean drawn = policy.options().strategy() == PairOptions.Strategy.TEMPERATURE;
    int most = Math.min(summary.chosen().size(), summary.rejected().size());
    for (int i = 0; i < most; i++) {
      Candidate good = summary.chosen().get(i);
      Candidate bad = summary.rejected().get(i);
      boolean met = good.score() <= bad.score();
      boolean same = good.hash() == bad.hash();
      if (!drawn && met) {
        // The rankings have met: from here on pairs would be those before, the other way round.
        countMet(good, bad, same);
        return pairs;
      }
      if (same) {
        counts.add(PairCounts.IDENTICAL);
      } else if (good.score() == bad.score()) {
        counts.add(PairCounts.TIES);
      } else {
        Candidate better = met ? bad : good;
        Candidate worse = met ? good : bad;
        addIfWide(summary, better, worse, pairs);
      }
    }
    return pairs;
  }

  private void countMet(Candidate good, Candidate bad, boolean same) {
    if (!same && good.score() == bad.score()) {
      counts.add(PairCounts.TIES);
    }
  }

  private void addIfWide(
      PromptSummary summary, Candidate better, Candidate worse, List<ChosenPair> pairs) {
    if (better.score() - worse.score() < policy.options().minMargin()) {
      counts.add(PairCounts.NARROW);
    } else {
      pairs.add(new ChosenPair(summary.prompt(), pairs.size(), better, worse));
    }
  }

  /** Any two that differ enough, at random. */
  private List<ChosenPair> any(PromptSummary summary) {
    List<Candidate> kept = summary.chosen();
    List<ChosenPair> wide = new ArrayList<>();
    for (int i = 0; i < kept.size(); i++) {
      for (int j = i + 1; j < kept.size(); j++) {
        Candidate one = kept.get(i);
        Candidate other = kept.get(j);
        if (one.score() == other.score()) {
          counts.add(PairCounts.TIES);
        } else {
          boolean first = one.score() > other.score();
          addIfWide(summary, first ? one : other, first ? other : one, wide);
        }
      }
    }
    wide.sort(
        Comparator.<ChosenPair>comparingDouble(
                pair ->
                    policy.unit(
                        pair.prompt(), pair.chosen().hash() + 31 * pair.rejected().hash(), 5))
            .thenComparing(ChosenPair::chosen, Candidate.BY_PLACE)
            .thenComparing(ChosenPair::rejected, Candidate.BY_PLACE));
    List<ChosenPair> pairs = new ArrayList<>();
    for (ChosenPair pair : wide.subList(0, Math.min(policy.options().maxPairs(), wide.size()))) {
      pairs.add(new ChosenPair(pair.prompt(), pairs.size(), pair.chosen(), pair.rejected()));
    }
    return pairs;
  }
}
