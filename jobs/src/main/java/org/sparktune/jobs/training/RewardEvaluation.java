package org.sparktune.jobs.training;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.sparktune.trainer.objective.Logistic;
import org.sparktune.trainer.objective.reward.PairScoreLoss;

/**
 * What a reward model says of documents.
 *
 * @param score the mean of all scores
 * @param documents how many they are
 * @param pairs what is known of pairs; null where there are none
 * @param meanSquaredError of the scores from those that the dataset gives; null where it gives none
 * @param uncertainty the mean standard deviation of the heads' scores of a document; null where
 *     there is one head
 * @param samples one a document or pair, in their order
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record RewardEvaluation(
    @JsonProperty("score") double score,
    @JsonProperty("documents") long documents,
    @JsonProperty("pairs") Pairs pairs,
    @JsonProperty("mean_squared_error") Double meanSquaredError,
    @JsonProperty("uncertainty") Double uncertainty,
    @JsonProperty("samples") List<Sample> samples) {
  /** Certainties from a half to one are told apart by tenths. */
  private static final int CERTAINTIES = 5;

  /** Borders of the groups by length, in tokens of the longer completion with its prompt. */
  private static final int[] LENGTHS = {64, 256, 1024};

  /** A document, or two. */
  sealed interface Sample {}

  /**
   * One document.
   *
   * @param target the score that the dataset gives it, or null
   * @param uncertainty how far the heads' scores are apart; null where there is one head
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Single(
      @JsonProperty("score") double score,
      @JsonProperty("tokens") int tokens,
      @JsonProperty("target") Float target,
      @JsonProperty("uncertainty") Float uncertainty)
      implements Sample {

    /** What one head says. */
    Single(double score, int tokens, Float target) {
      this(score, tokens, target, null);
    }
  }

  /** A chosen and a rejected document; uncertainties as of {@link Single}. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Pair(
      @JsonProperty("score_chosen") double chosen,
      @JsonProperty("score_rejected") double rejected,
      @JsonProperty("tokens_chosen") int chosenTokens,
      @JsonProperty("tokens_rejected") int rejectedTokens,
      @JsonProperty("uncertainty_chosen") Float chosenUncertainty,
      @JsonProperty("uncertainty_rejected") Float rejectedUncertainty)
      implements Sample {

    /** What one head says. */
    Pair(double chosen, double rejected, int chosenTokens, int rejectedTokens) {
      this(chosen, rejected, chosenTokens, rejectedTokens, null, null);
    }

    boolean ranked() {
      return chosen > rejected;
    }

    /** How sure the model is of its own ranking, from a half to one. */
    double certainty() {
      return Logistic.sigmoid(Math.abs(chosen - rejected));
    }
  }

  /**
   * All pairs.
   *
   * @param accuracy the share whose chosen document scores higher
   * @param loss Bradley–Terry, without margins
   * @param margin mean of chosen less rejected
   * @param byLength accuracy by length, and by which completion is the longer one
   * @param bySource accuracy by the file that pairs come from; empty where that is not known
   * @param calibration by certainty, how often the model is right; nearly equal where it can be
   *     taken at its word
   * @param calibrationError the expected calibration error: the mean over pairs of how far accuracy
   *     and certainty of their group are apart (Naeini et al. 2015)
   */
  public record Pairs(
      @JsonProperty("count") long count,
      @JsonProperty("accuracy") double accuracy,
      @JsonProperty("loss") double loss,
      @JsonProperty("reward_chosen") double rewardChosen,
      @JsonProperty("reward_rejected") double rewardRejected,
      @JsonProperty("margin") double margin,
      @JsonProperty("by_length") List<Group> byLength,
      @JsonProperty("by_source") List<Group> bySource,
      @JsonProperty("calibration") List<Certainty> calibration,
      @JsonProperty("calibration_error") double calibrationError) {}

  /** A part of the pairs. */
  public record Group(
      @JsonProperty("group") String name,
      @JsonProperty("pairs") long pairs,
      @JsonProperty("accuracy") double accuracy) {}

  /** Pairs of which the model is about equally sure. */
  public record Certainty(
      @JsonProperty("certainty") double certainty,
      @JsonProperty("accuracy") double accuracy,
      @JsonProperty("pairs") long pairs) {}

  /**
   * Puts scores together.
   *
   * @param sources the file of every document, both of a pair; empty where that is not known
   */
  static RewardEvaluation of(List<Sample> samples, List<String> sources) {
    List<Pair> pairs = new ArrayList<>();
    SortedMap<String, List<Pair>> bySource = new TreeMap<>();
    double sum = 0;
    long documents = 0;
    double squares = 0;
    long rated = 0;
    for (Sample sample : samples) {
      if (sample instanceof Pair pair) {
        pairs.add(pair);
        if (!sources.isEmpty()) {
          String source = sources.get((int) documents);
          bySource.computeIfAbsent(source, unused -> new ArrayList<>()).add(pair);
        }
        sum += pair.chosen() + pair.rejected();
        documents += 2;
      } else {
        Single single = (Single) sample;
        sum += single.score();
        documents++;
        if (single.target() != null) {
          squares += Math.pow(single.score() - single.target(), 2);
          rated++;
        }
      }
    }
    return new RewardEvaluation(
        sum / documents,
        documents,
        pairs.isEmpty() ? null : pairs(pairs, bySource),
        rated == 0 ? null : squares / rated,
        uncertainty(samples),
        List.copyOf(samples));
  }

  private static Double uncertainty(List<Sample> samples) {
    double sum = 0;
    long documents = 0;
    for (Sample sample : samples) {
      if (sample instanceof Pair pair && pair.chosenUncertainty() != null) {
        sum += (double) pair.chosenUncertainty() + pair.rejectedUncertainty();
        documents += 2;
      } else if (sample instanceof Single single && single.uncertainty() != null) {
        sum += single.uncertainty();
        documents++;
      }
    }
    return documents == 0 ? null : (Double) (sum / documents);
  }

  /** The figures that stand for all samples. */
  public Map<String, Object> summary() {
    Map<String, Object> summary = new LinkedHashMap<>();
    if (pairs != null) {
      summary.put("accuracy", pairs.accuracy());
      summary.put("loss", pairs.loss());
      summary.put("margin", pairs.margin());
      summary.put("calibration_error", pairs.calibrationError());
      summary.put("pairs", pairs.count());
    }
    if (meanSquaredError != null) {
      summary.put("mean_squared_error", meanSquaredError);
    }
    if (uncertainty != null) {
      summary.put("uncertainty", uncertainty);
    }
    summary.put("score", score);
    summary.put("documents", documents);
    return summary;
  }

  private static Pairs pairs(List<Pair> pairs, SortedMap<String, List<Pair>> bySource) {
    double loss = 0;
    double chosen = 0;
    double rejected = 0;
    PairScoreLoss bradleyTerry = new PairScoreLoss(0);
    for (Pair pair : pairs) {
      loss += bradleyTerry.of(pair.chosen(), pair.rejected(), 0).loss();
      chosen += pair.chosen();
      rejected += pair.rejected();
    }
    List<Group> sources = new ArrayList<>();
    bySource.forEach(
        (source, members) -> sources.add(new Group(source, members.size(), accuracy(members))));
    List<Certainty> calibration = calibration(pairs);
    int count = pairs.size();
    return new Pairs(
        count,
        accuracy(pairs),
        loss / count,
        chosen / count,
        rejected / count,
        (chosen - rejected) / count,
        byLength(pairs),
        sources,
        calibration,
        calibrationError(calibration, count));
  }

  private static double accuracy(List<Pair> pairs) {
    long ranked = 0;
    for (Pair pair : pairs) {
      ranked += pair.ranked() ? 1 : 0;
    }
    return (double) ranked / pairs.size();
  }

  private static List<Group> byLength(List<Pair> pairs) {
    List<Group> groups = new ArrayList<>();
    int from = 0;
    for (int i = 0; i <= LENGTHS.length; i++) {
      int start = from;
      int end = i < LENGTHS.length ? LENGTHS[i] : Integer.MAX_VALUE;
      String name =
          i < LENGTHS.length ? "under %d tokens".formatted(end) : start + " tokens and more";
      addGroup(groups, name, pairs, pair -> longer(pair) >= start && longer(pair) < end);
      from = end;
    }
    addGroup(groups, "chosen longer", pairs, p -> p.chosenTokens() > p.rejectedTokens());
    addGroup(groups, "chosen not longer", pairs, p -> p.chosenTokens() <= p.rejectedTokens());
    return groups;
  }

  private static int longer(Pair pair) {
    return Math.max(pair.chosenTokens(), pair.rejectedTokens());
  }

  private static void addGroup(
      List<Group> groups, String name, List<Pair> pairs, Predicate<Pair> member) {
    List<Pair> members = pairs.stream().filter(member).toList();
    if (!members.isEmpty()) {
      groups.add(new Group(name, members.size(), accuracy(members)));
    }
  }

  private static List<Certainty> calibration(List<Pair> pairs) {
    List<Certainty> bins = new ArrayList<>();
    for (int i = 0; i < CERTAINTIES; i++) {
      int bin = i;
      List<Pair> members = pairs.stream().filter(pair -> bin(pair) == bin).toList();
      if (!members.isEmpty()) {
        double sum = 0;
        for (Pair pair : members) {
          sum += pair.certainty();
        }
        bins.add(new Certainty(sum / members.size(), accuracy(members), members.size()));
      }
    }
    return bins;
  }

  private static double calibrationError(List<Certainty> calibration, int pairs) {
    double sum = 0;
    for (Certainty bin : calibration) {
      sum += bin.pairs() * Math.abs(bin.accuracy() - bin.certainty());
    }
    return sum / pairs;
  }

  private static int bin(Pair pair) {
    int bin = (int) ((pair.certainty() - 0.5) * 2 * CERTAINTIES);
    return Math.min(CERTAINTIES - 1, bin);
  }
}
