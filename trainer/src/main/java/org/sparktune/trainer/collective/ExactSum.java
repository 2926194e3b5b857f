package org.sparktune.trainer.collective;

import java.math.BigInteger;
import java.util.Arrays;

/**
 * A sum of doubles that loses nothing: a fixed-point number as wide as the range of double, so the
 * order in which numbers are added, and which rank adds them, don't show in the result's bits. It
 * is rounded once, when it is read.
 *
 * <pre>
 *   digit   0         1               65        66        67        68
 *         | 2^-1074 | 2^-1042 | … | 2^1006  | carries           | not finite |
 * </pre>
 *
 * A digit has 32 bits in a long of 64, so two billion numbers can be added before carries have to
 * be passed on, and digits of several ranks can be added as plain integers (Kulisch 2013, chapter
 * 8).
 */
public final class ExactSum {
  /** How many longs a sum has when it goes through {@code Collective.sum}. */
  public static final int LENGTH = 69;

  private static final int DIGIT_BITS = 32;
  private static final long DIGIT_MASK = (1L << DIGIT_BITS) - 1;
  private static final int NOT_FINITE = LENGTH - 1;
  private static final int SMALLEST_EXPONENT = -1074;
  private static final int MANTISSA_BITS = 52;
  private static final int PRECISION = MANTISSA_BITS + 1;
  private static final int ADDITIONS_BEFORE_CARRY = 1 << 30;

  private final long[] digits = new long[LENGTH];
  private int additions;

  /** Begins again from zero. */
  public void clear() {
    Arrays.fill(digits, 0);
    additions = 0;
  }

  /** Adds a number; one that is not finite makes the sum NaN. */
  public void add(double number) {
    if (!Double.isFinite(number)) {
      digits[NOT_FINITE]++;
      return;
    }
    long bits = Double.doubleToRawLongBits(number);
    int exponent = (int) (bits >>> MANTISSA_BITS) & 0x7FF;
    long mantissa = bits & ((1L << MANTISSA_BITS) - 1);
    if (exponent > 0) {
      mantissa |= 1L << MANTISSA_BITS;
      exponent--;
    }
    int digit = exponent / DIGIT_BITS;
    int shift = exponent % DIGIT_BITS;
    long low = (mantissa << shift) & DIGIT_MASK;
    long middle = (mantissa >>> (DIGIT_BITS - shift)) & DIGIT_MASK;
    long high = (mantissa >>> DIGIT_BITS) >>> (DIGIT_BITS - shift);
    long sign = bits < 0 ? -1 : 1;
    digits[digit] += sign * low;
    digits[digit + 1] += sign * middle;
    digits[digit + 2] += sign * high;
    if (++additions == ADDITIONS_BEFORE_CARRY) {
      carry(digits);
      additions = 0;
    }
  }

  /** Adds all that another sum has taken up. */
  public void add(ExactSum other) {
    carry(digits);
    additions = 2;
    long[] carried = other.digits.clone();
    carry(carried);
    for (int i = 0; i < LENGTH; i++) {
      digits[i] += carried[i];
    }
  }

  /** Writes the sum as integers that may be added to other ranks', which gives the sum of all. */
  public void writeTo(long[] numbers, int offset) {
    carry(digits);
    System.arraycopy(digits, 0, numbers, offset, LENGTH);
  }

  /** Takes the place of this sum: integers that ranks wrote, added up. */
  public void readFrom(long[] numbers, int offset) {
    System.arraycopy(numbers, offset, digits, 0, LENGTH);
    carry(digits);
    additions = 0;
  }

  /** The sum, rounded to the nearest double; NaN when something that is not finite was added. */
  public double value() {
    if (digits[NOT_FINITE] != 0) {
      return Double.NaN;
    }
    BigInteger sum = BigInteger.ZERO;
    for (int i = NOT_FINITE - 1; i >= 0; i--) {
      sum = sum.shiftLeft(DIGIT_BITS).add(BigInteger.valueOf(digits[i]));
    }
    BigInteger size = sum.abs();
    int dropped = Math.max(0, size.bitLength() - PRECISION);
    double kept = roundedShift(size, dropped).doubleValue();
    double value = Math.scalb(kept, dropped + SMALLEST_EXPONENT);
    return sum.signum() < 0 ? -value : value;
  }

  /** {@code size / 2^bits}, ties to even. */
  private static BigInteger roundedShift(BigInteger size, int bits) {
    if (bits == 0) {
      return size;
    }
    BigInteger kept = size.shiftRight(bits);
    boolean half = size.testBit(bits - 1);
    boolean more = size.getLowestSetBit() < bits - 1;
    return half && (more || kept.testBit(0)) ? kept.add(BigInteger.ONE) : kept;
  }

  /** Brings every digit into 32 bits; a negative sum keeps its sign in the last one. */
  private static void carry(long[] digits) {
    long carry = 0;
    for (int i = 0; i < NOT_FINITE - 1; i++) {
      long digit = digits[i] + carry;
      carry = digit >> DIGIT_BITS;
      digits[i] = digit & DIGIT_MASK;
    }
    digits[NOT_FINITE - 1] += carry;
  }
}
