package org.sparktune.pipeline.storage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.Fingerprint;
import org.sparktune.core.SparktuneException;
import org.sparktune.core.WriteFailure;

/**
 * Copies of models, adapters and other inputs that lie on a Hadoop file system, one a host: weights
 * are mapped into memory, and only local files can be. All processes of a host share them.
 *
 * <p>A copy's name is made of where its source is and of the names, sizes and times of modification
 * of its files, so a source that has changed is copied anew. It appears by a rename, whole or not
 * at all; of processes that need it at the same time one copies and the others wait. Nothing
 * removes old copies: the folder may be emptied whenever nothing runs.
 */
public final class LocalCopies {
  private static final Logger LOG = LoggerFactory.getLogger(LocalCopies.class);
  private static final Pattern URI_OF_ANOTHER_SYSTEM =
      Pattern.compile("(?!file:)[A-Za-z][A-Za-z0-9+.-]+:/.*");

  /** Formats of weights that nothing here reads, often beside those that are read. */
  private static final Pattern USELESS = Pattern.compile(".*\\.(bin|pth?|h5|msgpack|onnx|ot)");

  private static final Pattern WEIGHTS = Pattern.compile(".*\\.safetensors");

  /** The system's locks do not keep threads of one process apart. */
  private static final ConcurrentHashMap<Path, Object> THREADS = new ConcurrentHashMap<>();

  private final Path cache;

  /**
   * @param cache the folder of the copies; made when it is needed
   */
  public LocalCopies(Path cache) {
    this.cache = cache;
  }

  /**
   * Those of this process: in {@code -Dsparktune.cache}, else in {@code SPARKTUNE_CACHE}, else in a
   * folder of the user's among the temporary files.
   */
  public static LocalCopies ofProcess() {
    return new LocalCopies(cacheFolder());
  }

  /** Where copies and other large temporary files of this process are. */
  public static Path cacheFolder() {
    String named = System.getProperty("sparktune.cache", System.getenv("SPARKTUNE_CACHE"));
    return named == null || named.isBlank()
        ? Path.of(
            System.getProperty("java.io.tmpdir"), "sparktune-" + System.getProperty("user.name"))
        : Path.of(named).toAbsolutePath();
  }

  /** Whether a location is a URI of another file system than this machine's. */
  public static boolean isRemote(String location) {
    return URI_OF_ANOTHER_SYSTEM.matcher(location).matches();
  }

  /**
   * A file or folder on this machine: the location itself, or its copy.
   *
   * @param location a path or URI
   * @throws SparktuneException {@code BAD_FILE} when there is nothing or it cannot be read, {@code
   *     RESOURCES} when the copy has no room
   */
  public Path get(String location, Configuration hadoop) {
    return get(location, hadoop, false);
  }

  /** As {@link #get}, but of a folder without its safetensors: enough for a tokenizer. */
  public Path withoutWeights(String location, Configuration hadoop) {
    return get(location, hadoop, true);
  }

  private Path get(String location, Configuration hadoop, boolean withoutWeights) {
    if (!isRemote(location)) {
      return location.startsWith("file:") ? Path.of(URI.create(location)) : Path.of(location);
    }
    org.apache.hadoop.fs.Path source = new org.apache.hadoop.fs.Path(location);
    // An instance of its own: the setting counts only when it is made.
    Configuration settings = new Configuration(hadoop);
    settings.set("dfs.checksum.combine.mode", "COMPOSITE_CRC");
    try (FileSystem fileSystem = FileSystem.newInstance(source.toUri(), settings)) {
      List<FileStatus> files = files(fileSystem, source, withoutWeights);
      Path entry = cache.resolve(key(location, files));
      Path copy = entry.resolve(source.getName());
      boolean folder = fileSystem.getFileStatus(source).isDirectory();
      if (!isWhole(copy, folder, files)) {
        Files.createDirectories(cache);
        synchronized (THREADS.computeIfAbsent(entry, unused -> new Object())) {
          copyUnlessThere(location, fileSystem, files, entry, copy, folder);
        }
      }
      return copy;
    } catch (FileNotFoundException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE, "There is nothing at %s.".formatted(location), "Check the URI.", e);
    } catch (IOException e) {
      throw failure(location, e);
    }
  }

  private void copyUnlessThere(
      String location,
      FileSystem fileSystem,
      List<FileStatus> files,
      Path entry,
      Path copy,
      boolean folder)
      throws IOException {
    Path lockFile = cache.resolve(entry.getFileName() + ".lock");
    try (FileChannel channel =
            FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      if (isWhole(copy, folder, files)) {
        return;
      }
      LOG.debug("Copying under {}", lock);
      delete(entry);
      requireRoom(location, files);
      Path temporary = cache.resolve(entry.getFileName() + ".tmp");
      delete(temporary);
      Path target = temporary.resolve(copy.getFileName());
      Files.createDirectories(folder ? target : temporary);
      long start = System.nanoTime();
      try {
        for (FileStatus file : files) {
          String name = file.getPath().getName();
          CheckedCopy.write(fileSystem, file, folder ? target.resolve(name) : target);
        }
        Files.move(temporary, entry, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        delete(temporary);
      }
      LOG.info(
          "{} was copied to {}: {} bytes in {} s",
          location,
          copy,
          "%,d".formatted(bytes(files)),
          "%.1f".formatted((System.nanoTime() - start) / 1e9));
    }
  }

  private void requireRoom(String location, List<FileStatus> files) throws IOException {
    long needed = bytes(files);
    long free = Files.getFileStore(cache).getUsableSpace();
    if (free < needed) {
      throw new SparktuneException(
          ErrorCode.RESOURCES,
          "A copy of %s takes %,d bytes, but only %,d are free in %s."
              .formatted(location, needed, free, cache),
          "Free some space there, or name a larger folder with SPARKTUNE_CACHE.");
    }
  }

  private SparktuneException failure(String location, IOException cause) {
    if (WriteFailure.isFull(cause)) {
      return new SparktuneException(
          ErrorCode.RESOURCES,
          "The disk was full while %s was copied to %s.".formatted(location, cache),
          "Free some space there, or name a larger folder with SPARKTUNE_CACHE.",
          cause);
    }
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        "%s cannot be copied to %s (%s).".formatted(location, cache, cause.getMessage()),
        "Check the URI, the permissions and that file system's settings.",
        cause);
  }

  private static List<FileStatus> files(
      FileSystem fileSystem, org.apache.hadoop.fs.Path source, boolean withoutWeights)
      throws IOException {
    FileStatus status = fileSystem.getFileStatus(source);
    if (status.isFile()) {
      return List.of(status);
    }
    List<FileStatus> files = new ArrayList<>();
    for (FileStatus file : fileSystem.listStatus(source)) {
      String name = file.getPath().getName();
      boolean wanted =
          file.isFile()
              && !USELESS.matcher(name).matches()
              && !(withoutWeights && WEIGHTS.matcher(name).matches());
      if (wanted) {
        files.add(file);
      }
    }
    files.sort(Comparator.comparing(file -> file.getPath().getName()));
    return files;
  }

  private static String key(String location, List<FileStatus> files) {
    Fingerprint fingerprint = new Fingerprint().add(location);
    for (FileStatus file : files) {
      fingerprint.add(file.getPath().getName()).add(file.getLen()).add(file.getModificationTime());
    }
    return fingerprint.finish();
  }

  /** Whether somebody has copied it; a copy that was tampered with does not count. */
  private static boolean isWhole(Path copy, boolean folder, List<FileStatus> files)
      throws IOException {
    if (!Files.exists(copy)) {
      return false;
    }
    for (FileStatus file : files) {
      Path local = folder ? copy.resolve(file.getPath().getName()) : copy;
      if (!Files.exists(local) || Files.size(local) != file.getLen()) {
        return false;
      }
    }
    return true;
  }

  private static long bytes(List<FileStatus> files) {
    long bytes = 0;
    for (FileStatus file : files) {
      bytes += file.getLen();
    }
    return bytes;
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
