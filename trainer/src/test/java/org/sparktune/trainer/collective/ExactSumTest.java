package org.sparktune.trainer.collective;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.math.BigDecimal;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExactSumTest {

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 13, 207, 4098})
  void shouldRoundTheTrueSumOnce(int count) {
    Random random = new Random(count);
    double[] numbers = new double[count];
    BigDecimal expected = BigDecimal.ZERO;
    for (int i = 0; i < count; i++) {
      numbers[i] = random.nextGaussian() * Math.scalb(1.0, random.nextInt(200) - 100);
      expected = expected.add(new BigDecimal(numbers[i]));
    }
    assertEquals(expected.doubleValue(), sum(numbers, 0, count).value());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8})
  void shouldGiveTheSameBitsHoweverRanksShareTheNumbers(int ranks) {
    Random random = new Random(ranks);
    double[] numbers = random.doubles(1001, -1, 1).map(x -> x * x * x * 1e20).toArray();
    long[] all = new long[ExactSum.LENGTH + 3];
    for (int rank = 0; rank < ranks; rank++) {
      long[] own = new long[all.length];
      sum(numbers, 1001 * rank / ranks, 1001 * (rank + 1) / ranks).writeTo(own, 3);
      for (int i = 0; i < all.length; i++) {
        all[i] += own[i];
      }
    }
    ExactSum merged = new ExactSum();
    merged.readFrom(all, 3);
    assertEquals(sum(numbers, 0, 1001).value(), merged.value());
  }

  @Test
  void shouldHoldTheWholeRangeOfDouble() {
    double[] numbers = {
      Double.MAX_VALUE, Double.MIN_VALUE, -Double.MAX_VALUE, Double.MIN_NORMAL, -0.0, 0.0
    };
    assertEquals(Double.MIN_NORMAL + Double.MIN_VALUE, sum(numbers, 0, 6).value());
    assertEquals(Double.MIN_VALUE, sum(numbers, 1, 2).value());
    assertEquals(-Double.MAX_VALUE, sum(numbers, 2, 3).value());
    assertEquals(
        Double.POSITIVE_INFINITY,
        sum(new double[] {Double.MAX_VALUE, Double.MAX_VALUE}, 0, 2).value());
  }

  @Test
  void shouldRoundTiesToEven() {
    double half = Math.scalb(1.0, -53);
    assertEquals(1.0, sum(new double[] {1, half}, 0, 2).value());
    assertEquals(Math.nextUp(1.0), sum(new double[] {1, half, Double.MIN_VALUE}, 0, 3).value());
    assertEquals(
        Math.nextUp(Math.nextUp(1.0)), sum(new double[] {Math.nextUp(1.0), half}, 0, 2).value());
  }

  @Test
  void shouldBeNaNOnceSomethingIsNotFinite() {
    for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      ExactSum sum = sum(new double[] {1, bad, 2}, 0, 3);
      ExactSum other = new ExactSum();
      other.add(sum);
      assertEquals(Double.NaN, other.value());
      other.clear();
      assertEquals(0.0, other.value());
    }
  }

  private static ExactSum sum(double[] numbers, int from, int to) {
    ExactSum sum = new ExactSum();
    for (int i = from; i < to; i++) {
      sum.add(numbers[i]);
    }
    return sum;
  }
}
