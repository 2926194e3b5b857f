package org.sparktune.pipeline.storage;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import java.util.zip.Checksum;
import org.apache.hadoop.fs.FileChecksum;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;

/**
 * Copies a file to this machine and compares it with its source: by size, and by the checksum of
 * the whole file where the file system tells one that can be computed here, as HDFS does with
 * {@code dfs.checksum.combine.mode=COMPOSITE_CRC}.
 */
final class CheckedCopy {
  private static final int CHUNK_BYTES = 1 << 20;

  private CheckedCopy() {}

  static void write(FileSystem fileSystem, FileStatus source, Path target) throws IOException {
    FileChecksum expected = fileSystem.getFileChecksum(source.getPath());
    Checksum checksum = checksum(expected);
    long copied = 0;
    byte[] chunk = new byte[CHUNK_BYTES];
    try (InputStream in = fileSystem.open(source.getPath());
        FileChannel out =
            FileChannel.open(target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
        checksum.update(chunk, 0, read);
        for (ByteBuffer rest = ByteBuffer.wrap(chunk, 0, read); rest.hasRemaining(); ) {
          out.write(rest);
        }
        copied += read;
      }
      out.force(true);
    }
    if (copied != source.getLen()) {
      throw new IOException(
          "%s has %d bytes, of which %d arrived"
              .formatted(source.getPath(), source.getLen(), copied));
    }
    if (isComparable(expected)) {
      int told = ByteBuffer.wrap(expected.getBytes()).getInt();
      int found = (int) checksum.getValue();
      if (told != found) {
        throw new IOException(
            "%s has the checksum %08x, but what arrived has %08x"
                .formatted(source.getPath(), told, found));
      }
    }
  }

  private static boolean isComparable(FileChecksum checksum) {
    return checksum != null && checksum.getAlgorithmName().startsWith("COMPOSITE-CRC32");
  }

  private static Checksum checksum(FileChecksum told) {
    boolean plain = isComparable(told) && told.getAlgorithmName().equals("COMPOSITE-CRC32");
    return plain ? new CRC32() : new CRC32C();
  }
}
