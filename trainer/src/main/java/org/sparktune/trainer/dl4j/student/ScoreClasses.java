package org.sparktune.trainer.dl4j.student;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.Serializable;

/**
 * A continuous score as a distribution over classes, and back: the classes are evenly spaced scores
 * from {@code range} standard deviations below the mean to as many above. A score becomes the
 * normal distribution around it whose standard deviation is the distance of two classes, which
 * hardly loses anything (HL-Gauss, Imani and White 2018); a distribution becomes its mean.
 *
 * @param mean of the teacher's scores
 * @param deviation their standard deviation
 * @param range of the classes, in standard deviations
 * @param count of the classes
 */
public record ScoreClasses(
    @JsonProperty("mean") double mean,
    @JsonProperty("deviation") double deviation,
    @JsonProperty("range") double range,
    @JsonProperty("count") int count)
    implements Serializable {

  /** Checks the numbers. */
  public ScoreClasses {
    if (!(deviation > 0 && range > 0 && count >= 2 && Double.isFinite(mean))) {
      throw new IllegalArgumentException(
          "%d classes over %s deviations of %s around %s".formatted(count, range, deviation, mean));
    }
  }

  /**
   * The logits of a score's distribution.
   *
   * @return {@code (count)}, of which the greatest is near 0
   */
  public float[] logits(double score) {
    double place = place(score);
    float[] logits = new float[count];
    for (int i = 0; i < count; i++) {
      logits[i] = (float) (-0.5 * (place - i) * (place - i));
    }
    return logits;
  }

  /** The class that is nearest to a score. */
  public int classOf(double score) {
    return (int) Math.rint(place(score));
  }

  /**
   * The mean of a distribution.
   *
   * @param probabilities {@code (count)}
   */
  public double score(float[] probabilities) {
    double place = 0;
    double sum = 0;
    for (int i = 0; i < count; i++) {
      place += i * (double) probabilities[i];
      sum += probabilities[i];
    }
    return mean + deviation * (place / sum * spacing() - range);
  }

  /** Where a score is among the classes, from 0 to {@code count - 1}. */
  private double place(double score) {
    double deviations = Math.max(-range, Math.min(range, (score - mean) / deviation));
    return (deviations + range) / spacing();
  }

  private double spacing() {
    return 2 * range / (count - 1);
  }
}
