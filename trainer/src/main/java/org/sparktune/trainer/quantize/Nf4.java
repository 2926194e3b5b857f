package org.sparktune.trainer.quantize;

import java.util.Arrays;

/**
 * The 4-bit NormalFloat code (Dettmers et al. 2023, QLoRA, appendix E) and the dynamic 8-bit code
 * that its scales are quantized to (Dettmers 2016; Dettmers et al. 2022): the same tables as
 * bitsandbytes'.
 */
public final class Nf4 {
  /** Codes of elements. */
  public static final int CODES = 16;

  /** Codes of scales. */
  public static final int SCALE_CODES = 256;

  /** Elements that share a scale. */
  static final int BLOCK = 64;

  /** Scales that share a scale of their own. */
  static final int SCALES_BLOCK = 256;

  private static final float[] VALUES = {
    -1.0f,
    -0.6961928f,
    -0.52507305f,
    -0.3949175f,
    -0.28444138f,
    -0.18477343f,
    -0.091050036f,
    0.0f,
    0.0795803f,
    0.1609302f,
    0.2461123f,
    0.33791524f,
    0.44070983f,
    0.562617f,
    0.72295684f,
    1.0f
  };

  private static final float[] BORDERS = borders(VALUES);
  private static final float[] DYNAMIC = dynamic();
  private static final float[] DYNAMIC_BORDERS = borders(DYNAMIC);

  private Nf4() {}

  /** The value of a code from 0 to 15. */
  public static float value(int code) {
    return VALUES[code];
  }

  /** The code nearest to a value from -1 to 1. */
  static int code(float value) {
    return nearest(BORDERS, value);
  }

  /** The value of a scale's code from 0 to 255. */
  public static float scaleValue(int code) {
    return DYNAMIC[code];
  }

  /** The code of a scale from -1 to 1. */
  static int scaleCode(float value) {
    return nearest(DYNAMIC_BORDERS, value);
  }

  /** How many borders lie below a value. */
  private static int nearest(float[] borders, float value) {
    int low = 0;
    int high = borders.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (value > borders[middle]) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static float[] borders(float[] values) {
    float[] borders = new float[values.length - 1];
    for (int i = 0; i < borders.length; i++) {
      borders[i] = (float) (((double) values[i] + values[i + 1]) / 2);
    }
    return borders;
  }

  /**
   * Seven decades with 1, 2, 4 … 64 values each, in the middles of equal parts of [0.1, 1], of both
   * signs; 0 and 1.
   */
  private static float[] dynamic() {
    float[] values = new float[SCALE_CODES];
    int next = 0;
    for (int decade = 0; decade < 7; decade++) {
      int parts = 1 << decade;
      double power = Math.pow(10, decade - 6);
      for (int part = 0; part < parts; part++) {
        double middle = 0.1 + 0.9 * (part + 0.5) / parts;
        values[next++] = (float) (power * middle);
        values[next++] = (float) (-power * middle);
      }
    }
    values[next++] = 0;
    values[next] = 1;
    Arrays.sort(values);
    return values;
  }
}
