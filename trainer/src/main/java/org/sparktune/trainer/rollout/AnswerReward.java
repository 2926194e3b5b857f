package org.sparktune.trainer.rollout;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Rewards the right number: 1 when the last number of the response is the last one of the dataset's
 * answer, the option {@code wrong} (0) when it is another or there is none. Thousands may be
 * separated by commas; 12, 12.0 and +12 are the same number.
 */
public final class AnswerReward implements RewardFunction {
  private static final Pattern NUMBER =
      Pattern.compile("[-+]?\\d{1,3}(?:,\\d{3})+(?:\\.\\d+)?|[-+]?\\d+(?:\\.\\d+)?");

  private double wrong;

  @Override
  public void configure(Map<String, String> options) {
    RewardOptions read = new RewardOptions(options, "wrong");
    wrong = read.number("wrong", 0);
  }

  @Override
  public double[] score(List<Completion> completions) {
    double[] scores = new double[completions.size()];
    for (int i = 0; i < scores.length; i++) {
      Completion completion = completions.get(i);
      BigDecimal expected =
          lastNumber(completion.reference())
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "the dataset has no number as the answer to \"%s\""
                              .formatted(completion.prompt())));
      boolean right =
          lastNumber(completion.response())
              .filter(number -> number.compareTo(expected) == 0)
              .isPresent();
      scores[i] = right ? 1 : wrong;
    }
    return scores;
  }

  private static Optional<BigDecimal> lastNumber(String text) {
    Matcher matcher = NUMBER.matcher(text);
    String last = null;
    while (matcher.find()) {
      last = matcher.group();
    }
    return Optional.ofNullable(last).map(number -> new BigDecimal(number.replace(",", "")));
  }
}
