package org.sparktune.pipeline.sample;

import java.nio.ByteBuffer;

/**
 * A tokenized record: one document, or the two of a preference pair end to end. It is never cut
 * apart by packing.
 *
 * @param ids {@code (N)} token ids
 * @param lossMask {@code (N)} 1 where the token carries loss as a target, else 0
 * @param second index of the second document's first token, 0 where there is only one
 * @param margin by how much the first is preferred to the second; 0 where nobody said
 * @param score what it was given; 0 where nobody said
 * @param piece the piece of input that it comes from, -1 when there is none
 * @param line its line in that piece, from 0
 */
public record Document(
    int[] ids, byte[] lossMask, int second, float margin, float score, int piece, long line) {

  /** Bytes of {@link #toBytes} beside ids and mask. */
  private static final int EXTRA_BYTES = 12;

  /** A single document that comes from no piece of input. */
  public Document(int[] ids, byte[] lossMask) {
    this(ids, lossMask, 0, 0, 0, -1, 0);
  }

  /** A pair of single documents. */
  public static Document pair(Document chosen, Document rejected, float margin) {
    int length = chosen.length() + rejected.length();
    ByteBuffer mask = ByteBuffer.allocate(length).put(chosen.lossMask).put(rejected.lossMask);
    int[] ids = new int[length];
    System.arraycopy(chosen.ids, 0, ids, 0, chosen.length());
    System.arraycopy(rejected.ids, 0, ids, chosen.length(), rejected.length());
    return new Document(ids, mask.array(), chosen.length(), margin, 0, -1, 0);
  }

  /** The same with how much better the first of its pair is. */
  public Document withMargin(float better) {
    return new Document(ids, lossMask, second, better, score, piece, line);
  }

  /** The same with what it was given. */
  public Document withScore(float given) {
    return new Document(ids, lossMask, second, margin, given, piece, line);
  }

  /** The same with where it comes from. */
  public Document from(int fromPiece, long fromLine) {
    return new Document(ids, lossMask, second, margin, score, fromPiece, fromLine);
  }

  /** Tokens, of both documents of a pair. */
  public int length() {
    return ids.length;
  }

  /** Whether it is a preference pair. */
  public boolean isPair() {
    return second > 0;
  }

  /** Tokens that are the target of a position: those with loss, but never a document's first. */
  public int targets() {
    return targets(0, lossMask.length);
  }

  /** Whether every document in it has a target. */
  boolean teaches() {
    return isPair()
        ? targets(0, second) > 0 && targets(second, lossMask.length) > 0
        : targets() > 0;
  }

  private int targets(int from, int to) {
    int count = 0;
    for (int i = from + 1; i < to; i++) {
      count += i == second ? 0 : lossMask[i];
    }
    return count;
  }

  /** For training frameworks' convention: the id where the token carries loss, else −100. */
  public int[] labels() {
    int[] labels = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      labels[i] = lossMask[i] == 1 ? ids[i] : -100;
    }
    return labels;
  }

  /**
   * A compact form: what belongs to a pair, the score, the ids, then the mask; not where it comes
   * from.
   */
  public byte[] toBytes() {
    ByteBuffer buffer = ByteBuffer.allocate(EXTRA_BYTES + ids.length * 5);
    buffer.putInt(second).putFloat(margin).putFloat(score);
    for (int id : ids) {
      buffer.putInt(id);
    }
    return buffer.put(lossMask).array();
  }

  /** Reads what {@link #toBytes} wrote. */
  public static Document fromBytes(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    int second = buffer.getInt();
    float margin = buffer.getFloat();
    float score = buffer.getFloat();
    int[] ids = new int[(bytes.length - EXTRA_BYTES) / 5];
    byte[] lossMask = new byte[ids.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = buffer.getInt();
    }
    buffer.get(lossMask);
    return new Document(ids, lossMask, second, margin, score, -1, 0);
  }
}
