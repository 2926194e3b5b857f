package org.sparktune.trainer.rollout;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

class RewardFunctionsTest {

  /** Scores the number of characters. */
  public static final class Characters implements RewardFunction {
    @Override
    public double[] score(List<Completion> completions) {
      return completions.stream().mapToDouble(c -> c.response().length()).toArray();
    }
  }

  /** A character is a token. */
  private static Completion completion(String prompt, String response, String reference) {
    int[] promptIds = prompt.chars().toArray();
    int[] responseIds = response.chars().toArray();
    return new Completion(prompt, response, reference, true, promptIds, responseIds);
  }

  private static double[] score(String name, Map<String, String> options, String... responses) {
    List<Completion> completions = new ArrayList<>();
    for (String response : responses) {
      completions.add(completion("6 plus 6?", response, "It is 12."));
    }
    return RewardFunctions.open(name, options).score(completions);
  }

  @Test
  void shouldRewardALength() {
    double[] scores = score("length", Map.of("target", "4"), "abcd", "ab", "abcde", "abcdefghij");
    assertArrayEquals(new double[] {1, 0.5, 0.8, 0.4}, scores);
  }

  @Test
  void shouldRewardWords() {
    Map<String, String> options = Map.of("wanted", "good, GREAT", "unwanted", "bad");
    double[] scores = score("words", options, "Good day", "great, good!", "bad", "", "?!", "goods");
    assertArrayEquals(new double[] {0.5, 1, -1, 0, 0, 0}, scores);
    Map<String, String> presence =
        Map.of("wanted", "good", "unwanted", "bad", "measure", "presence");
    scores = score("words", presence, "A good, good day", "bad", "good and bad", "a day");
    assertArrayEquals(new double[] {1, -1, 0, 0}, scores);
  }

  @Test
  void shouldRewardTheRightNumber() {
    double[] scores =
        score("answer", Map.of("wrong", "-0.5"), "12", "6 and 6 make 12.0.", "13", "", "1,200");
    assertArrayEquals(new double[] {1, 1, -0.5, -0.5, -0.5}, scores);
    List<Completion> unanswered = List.of(completion("?", "12", "none"));
    RewardFunction function = RewardFunctions.open("answer", Map.of());
    CheckedReward checked = new CheckedReward(function);
    SparktuneException failure =
        assertThrows(SparktuneException.class, () -> checked.score(unanswered));
    assertTrue(failure.getMessage().contains("no number as the answer to \"?\""));
  }

  @Test
  void shouldFindAClassOfTheUsers() {
    assertArrayEquals(new double[] {2}, score(Characters.class.getName(), Map.of(), "ab"));
  }

  @ParameterizedTest
  @CsvSource({
    "lenght, is neither built in (answer; length; words) nor a class",
    "java.lang.String, does not implement org.sparktune.trainer.rollout.RewardFunction",
    "org.sparktune.trainer.rollout.RewardFunction, has no public constructor",
    "length, it needs 'target'; a whole number",
    "words, it needs words; in 'wanted' or 'unwanted'"
  })
  void shouldSayWhyThereIsNoFunction(String name, String expected) {
    SparktuneException failure =
        assertThrows(SparktuneException.class, () -> RewardFunctions.open(name, Map.of()));
    assertEquals(ErrorCode.INVALID_SPEC, failure.code());
    String message = failure.getMessage().replace(",", ";");
    assertTrue(message.contains(expected), failure.getMessage());
  }

  @Test
  void shouldRefuseOptionsThatNobodyReads() {
    Map<String, String> options = Map.of("traget", "4");
    for (String name : List.of("length", Characters.class.getName())) {
      SparktuneException failure =
          assertThrows(SparktuneException.class, () -> RewardFunctions.open(name, options));
      assertTrue(failure.getMessage().contains("traget"), failure.getMessage());
    }
  }
}
