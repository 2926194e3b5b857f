package org.sparktune.trainer.memory;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.bytedeco.javacpp.BytePointer;

/**
 * A file mapped for reading, in pieces because one Java mapping ends at 2 GiB. Pages are read when
 * they are touched. The memory is unmapped when the pieces are no longer referenced.
 */
public final class MappedFile implements AutoCloseable {
  /** The longest piece; a multiple of every element and block size in use. */
  private static final long PIECE_BYTES = 1L << 28;

  private final Path path;
  private final FileChannel channel;
  private final long size;

  private MappedFile(Path path, FileChannel channel, long size) {
    this.path = path;
    this.channel = channel;
    this.size = size;
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
     * Reads a piece; the address is valid during the call.
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
      MappedByteBuffer buffer = channel.map(FileChannel.MapMode.READ_ONLY, start + done, length);
      try (BytePointer pointer = new BytePointer(buffer)) {
        reader.read(pointer.address(), done, length);
      }
    }
  }

  /** A little-endian view of at most 2 GiB. */
  public ByteBuffer view(long start, int bytes) throws IOException {
    return channel.map(FileChannel.MapMode.READ_ONLY, start, bytes).order(ByteOrder.LITTLE_ENDIAN);
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
  public void close() throws IOException {
    channel.close();
  }
}
