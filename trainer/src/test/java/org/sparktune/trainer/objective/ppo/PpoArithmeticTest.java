package org.sparktune.trainer.objective.ppo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.sparktune.trainer.model.ReferenceTensors;

/** Beside {@code ppo.safetensors}: four responses in a padded batch of twelve columns. */
class PpoArithmeticTest {
  private static final int COLUMNS = 12;

  private final ReferenceTensors reference =
      ReferenceTensors.open(Path.of("src/test/resources/reference/hf/ppo.safetensors"));
  private final float[] options = reference.floats("hyper");
  private final Responses responses = new Responses(new int[] {0, 12, 19, 29, 32});

  @Test
  void shouldRewardTokensAsTheReferenceDoes() {
    float[] rewards =
        new TokenRewards(KlEstimator.K1)
            .of(
                responses,
                reference.floats("scores"),
                packed("old_logprobs"),
                packed("ref_logprobs"),
                options[0]);
    assertArrayEquals(packed("rewards"), rewards, 1e-6f);
  }

  @Test
  void shouldEstimateAdvantagesAndReturns() {
    GeneralizedAdvantage.Estimate estimate =
        new GeneralizedAdvantage(options[1], options[2])
            .of(responses, packed("rewards"), packed("values"));
    assertArrayEquals(packed("advantages"), estimate.advantages(), 1e-5f);
    assertArrayEquals(packed("returns"), estimate.returns(), 1e-5f);
  }

  @Test
  void shouldWhitenOverAllRanks() {
    float[] advantages = packed("advantages");
    float[] first = slice(advantages, 0, 11);
    float[] second = slice(advantages, 11, 32);
    Moments joined = Moments.of(first).join(Moments.of(second)).join(Moments.NONE);
    joined.whiten(advantages);
    assertArrayEquals(packed("whitened"), advantages, 1e-5f);
  }

  @Test
  void shouldWhitenEqualNumbersToZero() {
    float[] equal = {3, 3, 3};
    Moments.of(equal).whiten(equal);
    assertArrayEquals(new float[3], equal);
    float[] one = {7};
    Moments.of(one).whiten(one);
    assertArrayEquals(new float[1], one);
  }

  @Test
  void shouldHaveTheLossesAndGradientsOfTheReference() {
    int tokens = responses.tokens();
    float[] dLogProbs = new float[tokens];
    PolicyLoss.Value policy =
        new PolicyLoss(options[3], options[3])
            .of(
                packed("new_logprobs"),
                packed("old_logprobs"),
                packed("whitened"),
                1.0 / tokens,
                dLogProbs);
    assertEquals(reference.floats("pg_loss")[0], policy.loss() / tokens, 1e-6);
    assertArrayEquals(packed("grad_logprobs"), dLogProbs, 1e-7f);
    assertTrue(policy.clipped() > 0 && policy.clipped() < tokens);
    assertTrue(policy.divergence() > 0);

    float[] dValues = new float[tokens];
    ValueLoss.Value critic =
        new ValueLoss(options[4])
            .of(
                packed("new_values"),
                packed("values"),
                packed("returns"),
                options[5] / tokens,
                dValues);
    assertEquals(reference.floats("vf_loss")[0], critic.loss() / tokens, 1e-6);
    assertArrayEquals(packed("grad_values"), dValues, 1e-7f);
  }

  @Test
  void shouldStartAtARatioOfOne() {
    float[] logProbs = packed("old_logprobs");
    float[] gradient = new float[logProbs.length];
    PolicyLoss.Value value =
        new PolicyLoss(0.2, 0.2).of(logProbs, logProbs, packed("whitened"), 1, gradient);
    assertEquals(0, value.clipped());
    assertEquals(0, value.divergence());
    for (int t = 0; t < gradient.length; t++) {
      assertEquals(-packed("whitened")[t], gradient[t]);
    }
  }

  @Test
  void shouldStayFiniteForPoliciesFarApart() {
    float[] gradient = new float[2];
    PolicyLoss.Value value =
        new PolicyLoss(0.2, 0.2)
            .of(new float[] {-1e4f, 0}, new float[] {0, -1e4f}, new float[] {-1, 1}, 1, gradient);
    assertTrue(Double.isFinite(value.loss()));
    assertArrayEquals(new float[2], gradient, "both are beyond the clip on the improving side");
  }

  @Test
  void shouldEstimateDivergenceWithoutBias() {
    Random random = new Random(3);
    double[] policy = {0.5, 0.3, 0.2};
    double[] other = {0.2, 0.2, 0.6};
    double exact = 0;
    for (int i = 0; i < 3; i++) {
      exact += policy[i] * Math.log(policy[i] / other[i]);
    }
    for (KlEstimator estimator : KlEstimator.values()) {
      double sum = 0;
      int samples = 200_000;
      for (int i = 0; i < samples; i++) {
        double draw = random.nextDouble();
        int token = draw < 0.5 ? 0 : draw < 0.8 ? 1 : 2;
        sum += estimator.of(Math.log(policy[token]), Math.log(other[token]));
      }
      assertEquals(exact, sum / samples, 0.01, estimator.name());
    }
    assertEquals(0, KlEstimator.K3.of(-2, -2));
    assertTrue(KlEstimator.K3.of(-1, -2) > 0);
  }

  @Test
  void shouldAdaptTheCoefficientTowardsTheTarget() {
    KlController controller = new KlController.Adaptive(0.2, 6, 10_000);
    assertEquals(0.2 * (1 + 0.2 * 256 / 10_000), controller.after(60, 256).coefficient(), 1e-15);
    assertEquals(0.2 * (1 - 0.2 * 256 / 10_000), controller.after(0, 256).coefficient(), 1e-15);
    assertEquals(0.2, controller.after(6, 256).coefficient());
    assertEquals(0.05, new KlController.Fixed(0.05).after(100, 256).coefficient());
  }

  @Test
  void shouldMeasureResponsesAgainstTheirGroup() {
    assertArrayEquals(
        new float[] {-0.5f, -0.5f, 1}, GroupAdvantage.RLOO.of(new float[] {1, 1, 2}), 1e-6f);
    assertArrayEquals(
        new float[] {-1.2246f, 0, 1.2246f},
        scaled(GroupAdvantage.GRPO.of(new float[] {1, 2, 3}), Math.sqrt(1.5)),
        2e-4f);
    assertArrayEquals(new float[2], GroupAdvantage.GRPO.of(new float[] {4, 4}));
    assertArrayEquals(new float[1], GroupAdvantage.RLOO.of(new float[] {4}));
    Responses four = new Responses(new int[] {0, 1, 3, 4, 6});
    assertArrayEquals(
        new float[] {-1, 1, 1, 0, 0, 0},
        GroupAdvantage.RLOO.over(four, new float[] {1, 2, 5, 5}, 2));
    assertThrows(
        IllegalArgumentException.class,
        () -> GroupAdvantage.RLOO.over(four, new float[] {1, 2, 5, 5}, 3));
  }

  @Test
  void shouldRefuseEmptyResponses() {
    assertThrows(IllegalArgumentException.class, () -> new Responses(new int[] {0, 2, 2}));
  }

  private static float[] scaled(float[] values, double factor) {
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (values[i] * factor);
    }
    return values;
  }

  private static float[] slice(float[] values, int from, int to) {
    return Arrays.copyOfRange(values, from, to);
  }

  /** A padded tensor's response tokens, end to end. */
  private float[] packed(String name) {
    float[] padded = reference.floats(name);
    float[] packed = new float[responses.tokens()];
    for (int s = 0; s < responses.count(); s++) {
      int first = responses.starts()[s];
      System.arraycopy(padded, s * COLUMNS, packed, first, responses.starts()[s + 1] - first);
    }
    return packed;
  }
}
