package org.sparktune.tokenizer.text;

import java.util.List;

/** Normalizers one after the other. */
public final class NormalizerChain {
  /** Changes nothing. */
  public static final NormalizerChain NONE = new NormalizerChain(List.of());

  private final Normalizer[] normalizers;

  /** A chain in the order of application. */
  public NormalizerChain(List<Normalizer> normalizers) {
    this.normalizers = normalizers.toArray(new Normalizer[0]);
  }

  /** Whether there is nothing to apply. */
  public boolean isEmpty() {
    return normalizers.length == 0;
  }

  /**
   * Normalizes a piece.
   *
   * @param piece the piece; afterwards its normal form, either in the same buffer or in one of the
   *     scratch buffers
   * @param scratch two buffers that may be overwritten; the piece must be in neither
   */
  public void apply(Piece piece, TextBuffer[] scratch, boolean trackOrigins) {
    int free = 0;
    for (Normalizer normalizer : normalizers) {
      if (normalizer.isNormal(piece.buffer.chars(), piece.start, piece.end)) {
        continue;
      }
      TextBuffer out = scratch[free];
      free ^= 1;
      out.clear(trackOrigins);
      normalizer.apply(piece.buffer, piece.start, piece.end, out);
      piece.set(out, 0, out.length());
    }
  }

  /** The normal form of a text. */
  public String apply(String text) {
    TextBuffer buffer = new TextBuffer();
    buffer.load(text, false);
    Piece piece = new Piece();
    piece.set(buffer, 0, buffer.length());
    apply(piece, new TextBuffer[] {new TextBuffer(), new TextBuffer()}, false);
    return new String(piece.buffer.chars(), piece.start, piece.end - piece.start);
  }
}
