package org.sparktune.trainer.rollout;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Rewards words of one list and punishes those of another. Options {@code wanted} and {@code
 * unwanted}: words, separated by commas, upper and lower case alike; {@code measure}: with {@code
 * share} (the default) a list counts by the share of the response's words that are on it, with
 * {@code presence} by 1 if any is.
 */
public final class WordReward implements RewardFunction {
  private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{N}']+");

  private Set<String> wanted = Set.of();
  private Set<String> unwanted = Set.of();
  private boolean presence;

  @Override
  public void configure(Map<String, String> options) {
    RewardOptions read = new RewardOptions(options, "measure", "wanted", "unwanted");
    presence = read.word("measure", "share", "presence").equals("presence");
    wanted = words(read.text("wanted"));
    unwanted = words(read.text("unwanted"));
    if (wanted.isEmpty() && unwanted.isEmpty()) {
      throw new IllegalArgumentException("it needs words, in 'wanted' or 'unwanted'");
    }
  }

  @Override
  public double[] score(List<Completion> completions) {
    double[] scores = new double[completions.size()];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = score(completions.get(i).response());
    }
    return scores;
  }

  private double score(String response) {
    int good = 0;
    int bad = 0;
    int all = 0;
    Matcher matcher = WORD.matcher(response.toLowerCase(Locale.ROOT));
    while (matcher.find()) {
      all++;
      good += wanted.contains(matcher.group()) ? 1 : 0;
      bad += unwanted.contains(matcher.group()) ? 1 : 0;
    }
    if (presence) {
      return Math.min(1, good) - Math.min(1, bad);
    }
    return all == 0 ? 0 : (double) (good - bad) / all;
  }

  private static Set<String> words(String list) {
    Set<String> words = new HashSet<>();
    Matcher matcher = WORD.matcher(list.toLowerCase(Locale.ROOT));
    while (matcher.find()) {
      words.add(matcher.group());
    }
    return words;
  }
}
