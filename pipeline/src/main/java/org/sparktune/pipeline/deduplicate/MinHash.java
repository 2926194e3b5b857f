package org.sparktune.pipeline.deduplicate;

import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.sparktune.pipeline.text.Hashes;

/**
 * MinHash signatures (Broder 1997): the share of equal values in two signatures estimates the
 * Jaccard similarity of two sets, with a standard deviation of √(s(1−s)/permutations). For locality
 * sensitive hashing (Indyk and Motwani 1998) a signature is cut into bands of rows; texts of
 * similarity s have an equal band with probability {@code 1 − (1 − s^rows)^bands}.
 */
final class MinHash implements Serializable {
  private static final long serialVersionUID = 1L;

  /** With this probability two texts as similar as the threshold are compared at all. */
  private static final double DETECTION = 0.99;

  private final int permutations;
  private final int rows;
  private final int bands;
  private final int leastEqual;
  private final long[] multipliers;
  private final long[] increments;

  /**
   * @param permutations values of a signature
   * @param threshold the similarity from which texts are nearly the same
   */
  MinHash(int permutations, double threshold) {
    this.permutations = permutations;
    this.rows = rows(permutations, threshold);
    this.bands = permutations / rows;
    this.leastEqual = (int) Math.ceil(threshold * permutations - 1e-9);
    this.multipliers = new long[permutations];
    this.increments = new long[permutations];
    for (int i = 0; i < permutations; i++) {
      // Fixed numbers: signatures of different runs can be compared.
      multipliers[i] = Hashes.mix(2L * i) | 1;
      increments[i] = Hashes.mix(2L * i + 1);
    }
  }

  /** The most rows, hence the fewest needless comparisons, that still detect what they should. */
  private static int rows(int permutations, double threshold) {
    int rows = 1;
    while (rows < permutations && detection(threshold, rows + 1, permutations) >= DETECTION) {
      rows++;
    }
    return rows;
  }

  /** The probability that texts of a similarity have an equal band. */
  static double detection(double similarity, int rows, int permutations) {
    int bands = permutations / rows;
    return 1 - Math.pow(1 - Math.pow(similarity, rows), bands);
  }

  int rows() {
    return rows;
  }

  int bands() {
    return bands;
  }

  /**
   * The signature of a set, 4 bytes a value.
   *
   * @param set hashes of its elements, at least one; repetition does not matter
   */
  byte[] signature(long[] set) {
    int[] least = new int[permutations];
    Arrays.fill(least, Integer.MAX_VALUE);
    for (long element : set) {
      for (int i = 0; i < permutations; i++) {
        // Multiply-shift hashing (Dietzfelbinger et al. 1997).
        int value = (int) ((multipliers[i] * element + increments[i]) >>> 32);
        least[i] = Math.min(least[i], value);
      }
    }
    ByteBuffer bytes = ByteBuffer.allocate(permutations * Integer.BYTES);
    bytes.asIntBuffer().put(least);
    return bytes.array();
  }

  /** A key for each band of a signature; keys of different bands differ. */
  long[] bandKeys(byte[] signature) {
    ByteBuffer values = ByteBuffer.wrap(signature);
    long[] keys = new long[bands];
    for (int band = 0; band < bands; band++) {
      long hash = Hashes.add(Hashes.START, band);
      for (int row = 0; row < rows; row++) {
        hash = Hashes.mix(hash ^ values.getInt());
      }
      keys[band] = hash;
    }
    return keys;
  }

  /** Whether two signatures are those of texts that are nearly the same. */
  boolean isNear(byte[] one, byte[] other) {
    int equal = 0;
    for (int i = 0; i < permutations * Integer.BYTES; i += Integer.BYTES) {
      equal += Arrays.equals(one, i, i + Integer.BYTES, other, i, i + Integer.BYTES) ? 1 : 0;
    }
    return equal >= leastEqual;
  }
}
