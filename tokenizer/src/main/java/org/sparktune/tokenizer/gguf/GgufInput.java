package org.sparktune.tokenizer.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Reads little-endian values one after the other through a small buffer. Whatever a length in the
 * file claims, nothing is allocated that the rest of the file could not fill.
 */
final class GgufInput {
  private static final int BUFFER_BYTES = 1 << 16;

  /** No string in a model file is longer; a longer one is a damaged length. */
  private static final int MAXIMUM_STRING_BYTES = 1 << 26;

  private final Path file;
  private final FileChannel channel;
  private final long size;
  private final ByteBuffer buffer =
      ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN).limit(0);

  GgufInput(Path file, FileChannel channel) throws IOException {
    this.file = file;
    this.channel = channel;
    this.size = channel.size();
  }

  long size() {
    return size;
  }

  /** The offset of the next byte. */
  long position() throws IOException {
    return channel.position() - buffer.remaining();
  }

  /** The bytes that are left. */
  long remaining() throws IOException {
    return size - position();
  }

  int readByte(String what) throws IOException {
    require(Byte.BYTES, what);
    return buffer.get();
  }

  short readShort(String what) throws IOException {
    require(Short.BYTES, what);
    return buffer.getShort();
  }

  int readInt(String what) throws IOException {
    require(Integer.BYTES, what);
    return buffer.getInt();
  }

  long readLong(String what) throws IOException {
    require(Long.BYTES, what);
    return buffer.getLong();
  }

  /**
   * A count of things that take bytes, so that it cannot exceed what the file has left.
   *
   * @param bytesEach the fewest bytes each takes
   * @param what for a message
   */
  long readCount(int bytesEach, String what) throws IOException {
    long count = readLong(what);
    if (count < 0 || count > remaining() / bytesEach) {
      throw bad(
          "claims %s of %s, which its remaining %d bytes cannot hold"
              .formatted(what, Long.toUnsignedString(count), remaining()));
    }
    return count;
  }

  String readString(String what) throws IOException {
    long length = readLong(what);
    if (length < 0 || length > Math.min(remaining(), MAXIMUM_STRING_BYTES)) {
      throw bad(
          "claims a length of %s bytes for %s, with %d bytes left"
              .formatted(Long.toUnsignedString(length), what, remaining()));
    }
    byte[] bytes = new byte[(int) length];
    int done = 0;
    while (done < bytes.length) {
      require(1, what);
      int part = Math.min(bytes.length - done, buffer.remaining());
      buffer.get(bytes, done, part);
      done += part;
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** A {@code BAD_FILE} failure whose sentence begins with the file's name. */
  SparktuneException bad(String problem) {
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        "%s %s.".formatted(file, problem),
        "Download or convert the file again; it may be incomplete.");
  }

  private void require(int bytes, String what) throws IOException {
    if (buffer.remaining() >= bytes) {
      return;
    }
    buffer.compact();
    while (buffer.position() < bytes) {
      if (channel.read(buffer) < 0) {
        throw bad("ends after %d bytes, in %s".formatted(size, what));
      }
    }
    buffer.flip();
  }
}
