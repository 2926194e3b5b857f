package org.sparktune.jobs.ranks;

/** The names of what all ranks of a run must have in common. */
public final class RankFacts {
  /** The code that runs: version and checksum. */
  public static final String CODE = "code";

  /** The Java version: intrinsics round differently from one to the next. */
  public static final String JAVA = "Java version";

  /** The task with all its options. */
  public static final String TASK = "task";

  /** How products are computed. */
  public static final String PRECISION = "precision";

  /** The base model. */
  public static final String MODEL = "base model";

  /** The prepared dataset. */
  public static final String DATASET = "dataset";

  /** Names, places and shapes of the trained parameters. */
  public static final String LAYOUT = "parameter layout";

  private RankFacts() {}
}
