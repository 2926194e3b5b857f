package org.sparktune.trainer.model;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * Cosines and sines of every position's angles, in the engine's memory. A document's rows depend on
 * its own length only, never on what it is packed with: lengths that a scaling treats differently
 * have rows of their own. Frequencies and angles are rounded to F32 as transformers does.
 */
final class RopeTable implements AutoCloseable {
  /** Kept beside those that a batch needs. */
  private static final int VARIANTS_KEPT = 1;

  private static final int FIRST_POSITIONS = 512;

  private final DecoderConfig config;
  private final Engine engine;
  private final int half;

  /** Least recently used first. */
  private final Map<Integer, Variant> variants = new LinkedHashMap<>(8, 0.75f, true);

  private TensorArena arena;
  private Tensor cos;
  private Tensor sin;

  /** Positions 0, 1, … of documents that are treated alike: rows from {@code start} on. */
  private record Variant(int start, int positions, int documentLength) {}

  /**
   * Where the tokens of a pass find their angles.
   *
   * @param cos {@code (rows, D/2)}
   * @param sin {@code (rows, D/2)}
   * @param rows {@code (N)}: each token's row
   */
  record Angles(Tensor cos, Tensor sin, int[] rows) {}

  /**
   * Some positions of a document.
   *
   * @param from the first
   * @param to the one after the last, which is the document's length so far
   */
  record Span(int from, int to) {}

  RopeTable(DecoderConfig config, Engine engine) {
    this.config = config;
    this.engine = engine;
    this.half = config.headSize() / 2;
  }

  /** The bytes for documents of so many tokens. */
  static long bytes(DecoderConfig config, int longestDocument) {
    long rows = Math.max(FIRST_POSITIONS, longestDocument);
    return 2 * rows * (config.headSize() / 2) * Float.BYTES;
  }

  /** The angles of whole documents. */
  Angles ofDocuments(int[] documentStarts) {
    Span[] spans = new Span[documentStarts.length - 1];
    for (int document = 0; document < spans.length; document++) {
      spans[document] = new Span(0, documentStarts[document + 1] - documentStarts[document]);
    }
    return of(spans);
  }

  /** The angles of spans laid end to end. */
  Angles of(Span... spans) {
    Map<Integer, Integer> missing = new TreeMap<>();
    int tokens = 0;
    for (Span span : spans) {
      tokens += span.to() - span.from();
      int variant = config.ropeScaling().variant(span.to());
      Variant known = variants.get(variant);
      if (known == null || known.positions() < span.to()) {
        missing.merge(variant, span.to(), Math::max);
      }
    }
    if (!missing.isEmpty()) {
      rebuild(spans, missing);
    }
    int[] rows = new int[tokens];
    int token = 0;
    for (Span span : spans) {
      int start = variants.get(config.ropeScaling().variant(span.to())).start();
      for (int position = span.from(); position < span.to(); position++) {
        rows[token++] = start + position;
      }
    }
    return new Angles(cos, sin, rows);
  }

  /** Makes the table anew with rows for longer documents, without what has not been used lately. */
  private void rebuild(Span[] spans, Map<Integer, Integer> missing) {
    missing.forEach(
        (variant, length) -> {
          Variant known = variants.get(variant);
          int positions = known == null ? FIRST_POSITIONS : 2 * known.positions();
          variants.put(variant, new Variant(0, Math.max(length, positions), length));
        });
    TreeMap<Integer, Integer> needed = new TreeMap<>();
    for (Span span : spans) {
      needed.put(config.ropeScaling().variant(span.to()), 0);
    }
    int surplus = variants.size() - needed.size() - VARIANTS_KEPT;
    for (Integer variant : variants.keySet().toArray(new Integer[0])) {
      if (surplus > 0 && !needed.containsKey(variant)) {
        variants.remove(variant);
        surplus--;
      }
    }
    fill();
  }

  private void fill() {
    int rows = 0;
    for (Variant variant : variants.values()) {
      rows += variant.positions();
    }
    close();
    arena = engine.arena("cosines and sines");
    cos = arena.allocate(DType.F32, rows, half);
    sin = arena.allocate(DType.F32, rows, half);
    try (Arena host = new Arena("cosines and sines on their way to the engine")) {
      Tensor hostCos = host.allocate(DType.F32, rows, half);
      Tensor hostSin = host.allocate(DType.F32, rows, half);
      int start = 0;
      for (Map.Entry<Integer, Variant> entry : variants.entrySet()) {
        Variant variant = entry.getValue();
        Variant placed = new Variant(start, variant.positions(), variant.documentLength());
        compute(placed, hostCos, hostSin);
        entry.setValue(placed);
        start += variant.positions();
      }
      engine.copy(hostCos, cos);
      engine.copy(hostSin, sin);
    }
  }

  private void compute(Variant variant, Tensor hostCos, Tensor hostSin) {
    double[] frequencies =
        config
            .ropeScaling()
            .frequencies(config.ropeTheta(), config.headSize(), variant.documentLength());
    double factor = config.ropeScaling().attentionFactor();
    for (int position = 0; position < variant.positions(); position++) {
      long row = ((long) variant.start() + position) * half;
      for (int i = 0; i < half; i++) {
        float angle = position * (float) frequencies[i];
        hostCos.setFloat(row + i, (float) (Math.cos(angle) * factor));
        hostSin.setFloat(row + i, (float) (Math.sin(angle) * factor));
      }
    }
  }

  /** Bytes held. */
  long allocatedBytes() {
    return arena == null ? 0 : arena.allocatedBytes();
  }

  @Override
  public void close() {
    if (arena != null) {
      arena.close();
    }
  }
}
