package org.sparktune.trainer.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.sparktune.trainer.storage.Storage;

/**
 * Local files of the first rank that grow with the run, such as {@code metrics.jsonl}. Every
 * checkpoint holds a copy, so that a run that goes on, on another host too, finds them as they were
 * at that step: no line is missing, none is there twice.
 */
final class RunFiles {
  private static final String FETCHED = ".fetched";

  private final Storage storage;
  private final List<Path> files;

  RunFiles(Storage storage, List<Path> files) {
    this.storage = storage;
    this.files = List.copyOf(files);
  }

  /** Copies those that there are into a checkpoint's folder. */
  List<Manifest.StoredFile> save(org.apache.hadoop.fs.Path folder) throws IOException {
    List<Manifest.StoredFile> saved = new ArrayList<>();
    for (Path file : files) {
      if (Files.exists(file)) {
        saved.add(save(file, new org.apache.hadoop.fs.Path(folder, name(file))));
      }
    }
    return saved;
  }

  private Manifest.StoredFile save(Path file, org.apache.hadoop.fs.Path target) throws IOException {
    CRC32C crc = new CRC32C();
    try (InputStream in = new CheckedInputStream(Files.newInputStream(file), crc);
        FSDataOutputStream out = storage.create(target)) {
      long bytes = in.transferTo(out);
      storage.finish(out);
      return new Manifest.StoredFile(name(file), bytes, Checksums.text(crc));
    }
  }

  /**
   * Copies a checkpoint's files beside the run's own, which stay as they are until {@link #take}.
   *
   * @throws DamagedException when one is not what the manifest says
   */
  void fetch(org.apache.hadoop.fs.Path folder, List<Manifest.StoredFile> stored)
      throws IOException, DamagedException {
    Map<String, Manifest.StoredFile> byName = new HashMap<>();
    for (Manifest.StoredFile file : stored) {
      byName.put(file.file(), file);
    }
    for (Path file : files) {
      Files.deleteIfExists(fetched(file));
      Manifest.StoredFile found = byName.get(name(file));
      if (found != null) {
        fetch(new org.apache.hadoop.fs.Path(folder, found.file()), found, fetched(file));
      }
    }
  }

  private void fetch(org.apache.hadoop.fs.Path source, Manifest.StoredFile stored, Path target)
      throws IOException, DamagedException {
    CRC32C crc = new CRC32C();
    Files.createDirectories(target.getParent());
    try (OutputStream out = Files.newOutputStream(target);
        InputStream in =
            new CheckedInputStream(StorageFailures.openDamageable(storage, source), crc)) {
      long bytes = in.transferTo(out);
      if (bytes != stored.bytes() || !Checksums.text(crc).equals(stored.crc32c())) {
        throw new DamagedException(
            "%s has %d bytes with the checksum %s instead of %d with %s"
                .formatted(
                    stored.file(), bytes, Checksums.text(crc), stored.bytes(), stored.crc32c()));
      }
    }
  }

  /** Puts what was fetched in the place of the run's files; the others are removed. */
  void take() throws IOException {
    for (Path file : files) {
      if (Files.exists(fetched(file))) {
        Files.move(fetched(file), file, StandardCopyOption.REPLACE_EXISTING);
      } else {
        Files.deleteIfExists(file);
      }
    }
  }

  /** Removes what an earlier attempt left that never came to a checkpoint. */
  void clear() throws IOException {
    for (Path file : files) {
      Files.deleteIfExists(fetched(file));
      Files.deleteIfExists(file);
    }
  }

  private static Path fetched(Path file) {
    return file.resolveSibling(name(file) + FETCHED);
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName());
  }
}
