package org.sparktune.trainer.dl4j.student;

/**
 * Products of small matrices in Java's own arrays. Sums are added element by element in the order
 * of the inner index, which the compiler makes vector instructions of without changing a bit.
 */
final class Rows {
  private Rows() {}

  /**
   * {@code a · b}
   *
   * @param a {@code (rows, inner)}
   * @param b {@code (inner, columns)}
   * @return {@code (rows, columns)}
   */
  static float[] product(float[] a, int rows, int inner, float[] b, int columns) {
    float[] product = new float[rows * columns];
    for (int i = 0; i < rows; i++) {
      addProduct(a, i * inner, inner, b, product, i * columns, columns);
    }
    return product;
  }

  /**
   * Adds {@code a · b} to a row.
   *
   * @param a holds {@code (inner)} at {@code aStart}
   * @param b {@code (inner, columns)}
   * @param sum holds {@code (columns)} at {@code start}
   */
  static void addProduct(
      float[] a, int aStart, int inner, float[] b, float[] sum, int start, int columns) {
    int k = 0;
    for (; k + 4 <= inner; k += 4) {
      addFour(a, aStart + k, b, k * columns, sum, start, columns);
    }
    for (; k < inner; k++) {
      float factor = a[aStart + k];
      int row = k * columns;
      for (int j = 0; j < columns; j++) {
        sum[start + j] += factor * b[row + j];
      }
    }
  }

  /** Four rows of b at once: the sum is read and written once for all of them. */
  private static void addFour(
      float[] a, int aStart, float[] b, int first, float[] sum, int start, int columns) {
    float one = a[aStart];
    float two = a[aStart + 1];
    float three = a[aStart + 2];
    float four = a[aStart + 3];
    int second = first + columns;
    int third = second + columns;
    int fourth = third + columns;
    for (int j = 0; j < columns; j++) {
      sum[start + j] =
          sum[start + j]
              + one * b[first + j]
              + two * b[second + j]
              + three * b[third + j]
              + four * b[fourth + j];
    }
  }
}
