package org.sparktune.pipeline.source;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/** Reads lines of bytes, never holding more than a limit of any one. */
final class LineReader implements Closeable {
  private final InputStream in;
  private final int maximumBytes;
  private final byte[] buffer = new byte[1 << 16];
  private int position;
  private int filled;
  private long offset;

  private byte[] line = new byte[1 << 12];
  private int length;
  private boolean overLong;

  /**
   * @param offset the position of the stream's first byte in the file
   */
  LineReader(InputStream in, long offset, int maximumBytes) {
    this.in = in;
    this.offset = offset;
    this.maximumBytes = maximumBytes;
  }

  /** The position of the next byte to be read. */
  long offset() {
    return offset;
  }

  /** Reads the next line, without its newline; false at the end of the file. */
  boolean next() throws IOException {
    length = 0;
    overLong = false;
    boolean any = false;
    while (position < filled || fill()) {
      any = true;
      int start = position;
      while (position < filled && buffer[position] != '\n') {
        position++;
      }
      append(start, position);
      offset += position - start;
      if (position < filled) {
        position++;
        offset++;
        break;
      }
    }
    if (length > 0 && line[length - 1] == '\r') {
      length--;
    }
    return any;
  }

  private boolean fill() throws IOException {
    position = 0;
    filled = Math.max(0, in.read(buffer, 0, buffer.length));
    return filled > 0;
  }

  private void append(int start, int end) {
    int kept = Math.min(end - start, maximumBytes - length);
    overLong |= kept < end - start;
    if (length + kept > line.length) {
      line = Arrays.copyOf(line, Math.min(maximumBytes, Math.max(length + kept, 2 * line.length)));
    }
    System.arraycopy(buffer, start, line, length, kept);
    length += kept;
  }

  /** The bytes of the line; valid up to {@link #length} until the next call. */
  byte[] bytes() {
    return line;
  }

  int length() {
    return length;
  }

  /** Whether the line has more bytes than the limit; the rest was skipped. */
  boolean isOverLong() {
    return overLong;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
