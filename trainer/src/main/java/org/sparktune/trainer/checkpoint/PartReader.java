package org.sparktune.trainer.checkpoint;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.storage.Storage;

/**
 * Fills a rank's ranges from the parts that other ranks, or another number of ranks, wrote. A
 * stored range is read when it holds an element of interest, and then as a whole, so that its
 * checksum is checked.
 */
final class PartReader {
  private final Storage storage;
  private final byte[] chunk = new byte[VectorChunks.BYTES];

  PartReader(Storage storage) {
    this.storage = storage;
  }

  /**
   * Fills vectors.
   *
   * @param folder of the checkpoint
   * @param vectors some or all of the manifest's, with any ranges
   * @throws DamagedException when a part is not what the manifest says
   */
  void read(Path folder, Manifest manifest, List<ShardedVector> vectors)
      throws IOException, DamagedException {
    Map<String, ShardedVector> byName = new HashMap<>();
    for (ShardedVector vector : vectors) {
      byName.put(vector.name(), vector);
    }
    for (Manifest.Part part : manifest.parts()) {
      if (holdsSomethingFor(part, byName)) {
        Path file = new Path(folder, part.file());
        try {
          readPart(file, part, byName);
        } catch (IOException e) {
          throw StorageFailures.damage(file, e);
        }
      }
    }
  }

  private void readPart(Path file, Manifest.Part part, Map<String, ShardedVector> vectors)
      throws IOException, DamagedException {
    long size = storage.size(file);
    if (size != part.bytes()) {
      throw new DamagedException(
          "%s has %d bytes instead of %d".formatted(part.file(), size, part.bytes()));
    }
    try (FSDataInputStream in = storage.open(file);
        VectorChunks chunks = new VectorChunks()) {
      long position = part.dataOffset();
      for (Manifest.StoredRange range : part.ranges()) {
        ShardedVector vector = vectors.get(range.vector());
        if (vector != null && overlaps(range, vector)) {
          in.seek(position);
          String actual = readRange(in, range, vector, chunks);
          if (!actual.equals(range.crc32c())) {
            throw new DamagedException(
                "%s has the checksum %s instead of %s in %s[%d:%d]"
                    .formatted(
                        part.file(),
                        actual,
                        range.crc32c(),
                        range.vector(),
                        range.from(),
                        range.to()));
          }
        }
        position += range.bytes();
      }
    }
  }

  /** Reads a stored range and keeps what the vector holds of it; returns its checksum. */
  private String readRange(
      FSDataInputStream in, Manifest.StoredRange range, ShardedVector vector, VectorChunks chunks)
      throws IOException {
    CRC32C crc = new CRC32C();
    long elements = VectorChunks.BYTES / Float.BYTES;
    for (long from = range.from(); from < range.to(); from += elements) {
      long to = Math.min(range.to(), from + elements);
      int bytes = Math.toIntExact((to - from) * Float.BYTES);
      in.readFully(chunk, 0, bytes);
      crc.update(chunk, 0, bytes);
      keep(from, to, vector, chunks);
    }
    return Checksums.text(crc);
  }

  /** Copies elements {@code from} to {@code to}, which lie in the chunk, to where they belong. */
  private void keep(long from, long to, ShardedVector vector, VectorChunks chunks) {
    long first = 0;
    for (Slices.Range held : vector.ranges()) {
      long begin = Math.max(from, held.from());
      long end = Math.min(to, held.to());
      if (begin < end) {
        chunks.write(
            chunk,
            Math.toIntExact((begin - from) * Float.BYTES),
            Math.toIntExact((end - begin) * Float.BYTES),
            vector,
            first + begin - held.from());
      }
      first += held.size();
    }
  }

  private static boolean holdsSomethingFor(Manifest.Part part, Map<String, ShardedVector> vectors) {
    for (Manifest.StoredRange range : part.ranges()) {
      ShardedVector vector = vectors.get(range.vector());
      if (vector != null && overlaps(range, vector)) {
        return true;
      }
    }
    return false;
  }

  private static boolean overlaps(Manifest.StoredRange stored, ShardedVector vector) {
    for (Slices.Range held : vector.ranges()) {
      if (held.from() < stored.to() && stored.from() < held.to()) {
        return true;
      }
    }
    return false;
  }
}
