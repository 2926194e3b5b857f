package org.sparktune.tokenizer.text;

/** A part of a buffer that is worked on. */
public final class Piece {
  /** Holds the text. */
  public TextBuffer buffer;

  /** The first UTF-16 unit. */
  public int start;

  /** One past the last UTF-16 unit. */
  public int end;

  /** Points to another part. */
  public void set(TextBuffer newBuffer, int newStart, int newEnd) {
    buffer = newBuffer;
    start = newStart;
    end = newEnd;
  }
}
