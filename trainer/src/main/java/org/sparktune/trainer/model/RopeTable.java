package org.sparktune.trainer.model;

import java.util.LinkedHashMap;
import java.util.Map;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/**
 * Cosine and sine of every token's angles. A document's rows depend on its own length only, never
 * on what it is packed with. Frequencies and angles are rounded to F32 as transformers does.
 */
final class RopeTable {
  private static final int VARIANTS_KEPT = 4;
  private static final int FIRST_POSITIONS = 512;

  private final DecoderConfig config;
  private final int half;
  private final Map<Integer, Rows> rowsByVariant =
      new LinkedHashMap<>(8, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, Rows> eldest) {
          return size() > VARIANTS_KEPT;
        }
      };

  /** Interleaved by position: {@code (positions, D/2)} each. */
  private record Rows(int positions, float[] cos, float[] sin) {}

  RopeTable(DecoderConfig config) {
    this.config = config;
    this.half = config.headSize() / 2;
  }

  /**
   * Fills the rows of whole documents.
   *
   * @param cos {@code (N, D/2)}
   * @param sin {@code (N, D/2)}
   */
  void fill(int[] documentStarts, Tensor cos, Tensor sin) {
    for (int document = 0; document + 1 < documentStarts.length; document++) {
      int start = documentStarts[document];
      int length = documentStarts[document + 1] - start;
      fill(0, length, length, start, cos, sin);
    }
  }

  /**
   * Fills the rows of some positions of one document.
   *
   * @param from the first position
   * @param to the position after the last
   * @param documentLength tokens in the document so far
   * @param row where the first position goes
   */
  void fill(int from, int to, int documentLength, int row, Tensor cos, Tensor sin) {
    Rows rows = rows(documentLength);
    copy(rows.cos, from, to, cos.rowAddress(row));
    copy(rows.sin, from, to, sin.rowAddress(row));
  }

  private void copy(float[] table, int from, int to, long address) {
    for (int i = from * half; i < to * half; i++) {
      Memory.putFloat(address + (long) (i - from * half) * DType.F32.bytes(), table[i]);
    }
  }

  private Rows rows(int documentLength) {
    int variant = config.ropeScaling().variant(documentLength);
    Rows rows = rowsByVariant.get(variant);
    if (rows == null || rows.positions < documentLength) {
      int before = rows == null ? FIRST_POSITIONS : 2 * rows.positions;
      rows = compute(documentLength, Math.max(documentLength, before));
      rowsByVariant.put(variant, rows);
    }
    return rows;
  }

  private Rows compute(int documentLength, int positions) {
    double[] frequencies =
        config.ropeScaling().frequencies(config.ropeTheta(), config.headSize(), documentLength);
    double factor = config.ropeScaling().attentionFactor();
    float[] cos = new float[positions * half];
    float[] sin = new float[positions * half];
    for (int position = 0; position < positions; position++) {
      for (int i = 0; i < half; i++) {
        float angle = position * (float) frequencies[i];
        cos[position * half + i] = (float) (Math.cos(angle) * factor);
        sin[position * half + i] = (float) (Math.sin(angle) * factor);
      }
    }
    return new Rows(positions, cos, sin);
  }
}
