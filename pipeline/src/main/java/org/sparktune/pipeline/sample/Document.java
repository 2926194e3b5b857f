package org.sparktune.pipeline.sample;

import java.nio.ByteBuffer;

/**
 * A tokenized record.
 *
 * @param ids {@code (N)} token ids
 * @param lossMask {@code (N)} 1 where the token carries loss as a target, else 0
 * @param piece the piece of input that it comes from, -1 when there is none
 * @param line its line in that piece, from 0
 */
public record Document(int[] ids, byte[] lossMask, int piece, long line) {

  /** A document that comes from no piece of input. */
  public Document(int[] ids, byte[] lossMask) {
    this(ids, lossMask, -1, 0);
  }

  /** The same with where it comes from. */
  public Document from(int fromPiece, long fromLine) {
    return new Document(ids, lossMask, fromPiece, fromLine);
  }

  /** Tokens. */
  public int length() {
    return ids.length;
  }

  /** Tokens that are the target of a position: those with loss, but never the first. */
  public int targets() {
    int count = 0;
    for (int i = 1; i < lossMask.length; i++) {
      count += lossMask[i];
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

  /** A compact form: the ids, then the mask; not where it comes from. */
  public byte[] toBytes() {
    ByteBuffer buffer = ByteBuffer.allocate(ids.length * 5);
    buffer.asIntBuffer().put(ids);
    return buffer.position(ids.length * 4).put(lossMask).array();
  }

  /** Reads what {@link #toBytes} wrote. */
  public static Document fromBytes(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    int[] ids = new int[bytes.length / 5];
    byte[] lossMask = new byte[ids.length];
    buffer.asIntBuffer().get(ids);
    buffer.position(ids.length * 4).get(lossMask);
    return new Document(ids, lossMask);
  }
}
