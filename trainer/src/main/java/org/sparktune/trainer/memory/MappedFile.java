package org.sparktune.trainer.memory;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file of any size mapped for reading. Java maps at most 2 GiB at a time, so the file is covered
 * by windows of that size which start 1 GiB apart: every region of up to 1 GiB lies in one of them.
 * Windows are mapped when first needed, pages are read when they are touched. Safe for several
 * threads.
 */
public final class MappedFile implements AutoCloseable {
  private static final long STRIDE = 1L << 30;
  private static final long WINDOW = Integer.MAX_VALUE;

  /** The longest piece of {@link #forEachPiece}. */
  private static final long PIECE_BYTES = 1L << 28;

  private final Path path;
  private final FileChannel channel;
  private final long size;
  private final MappedByteBuffer[] windows;
  private boolean closed;

  private MappedFile(Path path, FileChannel channel, long size) {
    this.path = path;
    this.channel = channel;
    this.size = size;
    this.windows = new MappedByteBuffer[Math.toIntExact(size / STRIDE + 1)];
  }

  /** Opens a file. */
  public static MappedFile open(Path path) throws IOException {
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
    return new MappedFile(path, channel, channel.size());
  }

  /** Takes one piece of a range. */
  @FunctionalInterface
  public interface PieceReader {
    /**
     * Reads a piece; the address is valid until the file is closed.
     *
     * @param address of the first byte
     * @param offset of the piece in the range
     * @param bytes its length
     */
    void read(long address, long offset, long bytes);
  }

  /**
   * Hands a range of the file over in order, piece by piece.
   *
   * @param unit no piece but the last ends inside a unit of so many bytes
   */
  public void forEachPiece(long start, long bytes, int unit, PieceReader reader)
      throws IOException {
    long step = PIECE_BYTES / unit * unit;
    for (long done = 0; done < bytes; done += step) {
      long length = Math.min(step, bytes - done);
      reader.read(address(start + done, length), done, length);
    }
  }

  /** Whether {@link #address} serves the region: it is within the file and within one window. */
  public boolean isContiguous(long start, long bytes) {
    return start >= 0 && bytes >= 0 && start <= size - bytes && start % STRIDE + bytes <= WINDOW;
  }

  /**
   * The address of a region, valid until the file is closed. The memory is read-only.
   *
   * @param start of its first byte
   * @param bytes up to 1 GiB, or as {@link #isContiguous} says
   */
  public synchronized long address(long start, long bytes) throws IOException {
    if (closed) {
      throw new IllegalStateException(path + " is closed");
    }
    if (!isContiguous(start, bytes)) {
      throw new IndexOutOfBoundsException(
          "%d bytes from %d of the %d in %s".formatted(bytes, start, size, path));
    }
    int index = (int) (start / STRIDE);
    if (windows[index] == null) {
      long windowStart = index * STRIDE;
      long length = Math.min(WINDOW, size - windowStart);
      windows[index] = channel.map(MapMode.READ_ONLY, windowStart, length);
    }
    return Memory.address(windows[index]) + start % STRIDE;
  }

  /** A little-endian view of at most 2 GiB. */
  public ByteBuffer view(long start, int bytes) throws IOException {
    return channel.map(MapMode.READ_ONLY, start, bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The file. */
  public Path path() {
    return path;
  }

  /** Its length in bytes when it was opened. */
  public long size() {
    return size;
  }

  @Override
  public synchronized void close() throws IOException {
    closed = true;
    for (int i = 0; i < windows.length; i++) {
      if (windows[i] != null) {
        Memory.unmap(windows[i]);
        windows[i] = null;
      }
    }
    channel.close();
  }
}
