package org.sparktune.pipeline.text;

/** Hashing of characters, step by step. The same on every machine and in every version. */
public final class Hashes {
  /** FNV-1a's offset: the hash of nothing. */
  public static final long START = 0xcbf29ce484222325L;

  /** An odd base for polynomials over hashes. */
  static final long BASE = 0x9E3779B97F4A7C15L;

  private static final long PRIME = 0x100000001b3L;

  private Hashes() {}

  /** The hash with one more character or number. */
  public static long add(long hash, long value) {
    return (hash ^ value) * PRIME;
  }

  /** SplitMix64's finalizer (Steele, Lea and Flood 2014): every bit depends on every other. */
  public static long mix(long value) {
    long z = value + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
