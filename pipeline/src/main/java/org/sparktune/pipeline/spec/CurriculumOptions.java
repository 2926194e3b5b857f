package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.Locale;

/**
 * The order in which a trainer meets documents (Bengio et al. 2009, "Curriculum learning").
 *
 * @param by what decides
 * @param descending whether the greatest come first
 */
public record CurriculumOptions(By by, boolean descending) implements Serializable {
  /** None: documents are shuffled or stay as they came. */
  public static final CurriculumOptions NONE = new CurriculumOptions(By.NOTHING, false);

  /** What decides about a document's place. */
  public enum By {
    /** There is no such order. */
    NOTHING,
    /** Its tokens, of both documents of a pair. */
    LENGTH,
    /** What a record of kind {@code reward} was given. */
    SCORE,
    /** By how much the first of a pair is preferred. */
    MARGIN
  }

  /** Whether there is such an order. */
  public boolean active() {
    return by != By.NOTHING;
  }

  /** As manifests tell it. */
  @Override
  public String toString() {
    return by.name().toLowerCase(Locale.ROOT) + (descending ? ", descending" : ", ascending");
  }
}
