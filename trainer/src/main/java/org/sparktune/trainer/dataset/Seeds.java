package org.sparktune.trainer.dataset;

/**
 * Seeds made of one run's seed and a place in the run. There is no generator whose state would have
 * to be saved: a resumed run, and a run on another number of executors, draw the same numbers.
 */
public final class Seeds {
  private Seeds() {}

  /** An unrelated seed for each place. */
  public static long derive(long seed, long... place) {
    long mixed = mix(seed);
    for (long coordinate : place) {
      mixed = mix(mixed ^ coordinate);
    }
    return mixed;
  }

  /** SplitMix64 (Steele, Lea and Flood 2014): neighbouring inputs give unrelated outputs. */
  private static long mix(long value) {
    long z = value + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
