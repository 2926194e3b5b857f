package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Properties that each kind's definition promises. */
class RopeScalingTest {
  private static final double THETA = 10_000;
  private static final int HEAD = 64;
  private static final double[] PLAIN = new RopeScaling.None().frequencies(THETA, HEAD, 10);

  @Test
  void shouldFallGeometricallyWithoutScaling() {
    assertEquals(1, PLAIN[0]);
    assertEquals(Math.pow(THETA, -2.0 / HEAD), PLAIN[1], 1e-12);
    assertEquals(Math.pow(THETA, -62.0 / HEAD), PLAIN[31], 1e-12);
  }

  @Test
  void shouldLeaveShortDocumentsAloneWithDynamicScaling() {
    RopeScaling dynamic = new RopeScaling.Dynamic(2, 100);
    assertArrayEquals(PLAIN, dynamic.frequencies(THETA, HEAD, 100), 1e-12);
    assertEquals(dynamic.variant(5), dynamic.variant(100));
    double[] stretched = dynamic.frequencies(THETA, HEAD, 200);
    double base = THETA * Math.pow(3, HEAD / (HEAD - 2.0));
    assertEquals(Math.pow(base, -62.0 / HEAD), stretched[31], 1e-12);
  }

  @Test
  void shouldKeepHighAndShrinkLowFrequenciesWithLlama3Scaling() {
    double[] scaled = new RopeScaling.Llama3(8, 1, 4, 64).frequencies(THETA, HEAD, 10);
    assertEquals(PLAIN[0], scaled[0]);
    assertEquals(PLAIN[31] / 8, scaled[31], 1e-12);
  }

  @Test
  void shouldKeepHighAndShrinkLowFrequenciesWithYarn() {
    RopeScaling.Yarn yarn =
        new RopeScaling.Yarn(4, 2_048, 32, 1, RopeScaling.Yarn.defaultAttentionFactor(4));
    double[] scaled = yarn.frequencies(THETA, HEAD, 10);
    assertEquals(PLAIN[0], scaled[0], 1e-12);
    assertEquals(PLAIN[31] / 4, scaled[31], 1e-12);
    assertEquals(0.1 * Math.log(4) + 1, yarn.attentionFactor(), 1e-12);
  }

  @Test
  void shouldChooseLongRopeDivisorsByLength() {
    List<Double> shorts = List.of(1.0, 2.0);
    List<Double> longs = List.of(3.0, 4.0);
    RopeScaling scaling =
        new RopeScaling.LongRope(
            shorts, longs, 16, RopeScaling.LongRope.defaultAttentionFactor(64, 16));
    assertArrayEquals(new double[] {1, 0.005}, scaling.frequencies(THETA, 4, 16), 1e-12);
    assertArrayEquals(new double[] {1 / 3.0, 0.0025}, scaling.frequencies(THETA, 4, 17), 1e-12);
    assertEquals(Math.sqrt(1.5), scaling.attentionFactor(), 1e-12);
  }
}
