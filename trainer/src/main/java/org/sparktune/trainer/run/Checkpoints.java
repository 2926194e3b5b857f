package org.sparktune.trainer.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.Fingerprint;
import org.sparktune.core.SparktuneException;

/**
 * The checkpoints of a run, as {@code docs/formats.md} describes them. A checkpoint is written to a
 * temporary folder, synced and renamed, so there is either all of it or nothing; the files are
 * checked against their SHA-256 before one is used.
 */
final class Checkpoints {
  private static final Logger LOG = LoggerFactory.getLogger(Checkpoints.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String STATE = "state.json";
  private static final String TEMPORARY = ".tmp";

  /** Room for the state file and the file system's own needs. */
  private static final long SPARE_BYTES = 1 << 20;

  private final Path folder;
  private final int keep;
  private final FreeSpace freeSpace;

  /** Writes one file of a checkpoint. */
  interface FileWriter {
    void write(Path file) throws IOException;
  }

  /** Asks how many bytes can still be written to a folder. */
  interface FreeSpace {
    long bytes(Path folder) throws IOException;
  }

  /** A checkpoint whose files are what its state says. */
  record Checkpoint(Path path, CheckpointState state) {}

  Checkpoints(Path folder, int keep) {
    this(folder, keep, path -> Files.getFileStore(path).getUsableSpace());
  }

  Checkpoints(Path folder, int keep, FreeSpace freeSpace) {
    this.folder = folder;
    this.keep = keep;
    this.freeSpace = freeSpace;
  }

  /**
   * Writes a checkpoint and removes the oldest beyond those to keep.
   *
   * @param state its {@code files} are filled in here
   * @param files by name, what writes them
   * @param bytes what they will need
   * @return the checkpoint's folder
   * @throws SparktuneException {@link ErrorCode#RESOURCES} when the disk is full, {@link
   *     ErrorCode#OUTPUT} when it cannot be written for another reason; nothing half-written stays
   */
  Path write(CheckpointState state, Map<String, FileWriter> files, long bytes) {
    String name = "step-%08d".formatted(state.progress().step());
    Path target = folder.resolve(name);
    Path temporary = folder.resolve(name + TEMPORARY);
    try {
      Files.createDirectories(folder);
      removeTemporaries();
      long free = freeSpace.bytes(folder);
      if (free < bytes + SPARE_BYTES) {
        throw new SparktuneException(
            ErrorCode.RESOURCES,
            "The checkpoint %s needs %,d bytes and %,d are free."
                .formatted(target, bytes + SPARE_BYTES, free),
            "Free some space and start again: the run goes on from " + newestName() + ".");
      }
      Files.createDirectory(temporary);
      TreeMap<String, CheckpointState.FileDigest> digests = new TreeMap<>();
      for (Map.Entry<String, FileWriter> file : files.entrySet()) {
        Path path = temporary.resolve(file.getKey());
        file.getValue().write(path);
        sync(path);
        digests.put(file.getKey(), digest(path));
      }
      CheckpointState complete =
          new CheckpointState(
              state.formatVersion(),
              state.progress(),
              state.cursor(),
              state.identity(),
              state.layout(),
              digests);
      Path stateFile = temporary.resolve(STATE);
      Files.write(stateFile, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(complete));
      sync(stateFile);
      sync(temporary);
      delete(target);
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      sync(folder);
      prune();
      return target;
    } catch (IOException e) {
      throw failed(target, temporary, e);
    }
  }

  /**
   * The newest checkpoint that is whole. Broken ones are named in a warning and passed over.
   *
   * @throws SparktuneException {@link ErrorCode#UNSUPPORTED} when a newer version wrote it
   */
  Optional<Checkpoint> newestValid() {
    try {
      List<Path> newestFirst = list();
      newestFirst.sort(Comparator.reverseOrder());
      for (Path path : newestFirst) {
        Optional<Checkpoint> checkpoint = validate(path);
        if (checkpoint.isPresent()) {
          return checkpoint;
        }
      }
      return Optional.empty();
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "The checkpoints in %s cannot be read (%s).".formatted(folder, e.getMessage()),
          "Check the folder's permissions.",
          e);
    }
  }

  /** The newest checkpoint's name for a message, valid or not. */
  String newestName() {
    try {
      return list().stream()
          .max(Comparator.naturalOrder())
          .map(Path::toString)
          .orElse("the beginning (there is no checkpoint yet)");
    } catch (IOException e) {
      return folder.toString();
    }
  }

  private Optional<Checkpoint> validate(Path path) {
    String problem;
    try {
      CheckpointState state = JSON.readValue(path.resolve(STATE).toFile(), CheckpointState.class);
      if (state.formatVersion() > CheckpointState.FORMAT_VERSION) {
        throw new SparktuneException(
            ErrorCode.UNSUPPORTED,
            "The checkpoint %s has version %d, this sparktune reads up to %d."
                .formatted(path, state.formatVersion(), CheckpointState.FORMAT_VERSION),
            "Use a newer sparktune.");
      }
      problem = damage(path, state);
      if (problem.isEmpty()) {
        return Optional.of(new Checkpoint(path, state));
      }
    } catch (IOException e) {
      problem = "its state cannot be read (%s)".formatted(e.getMessage());
    }
    LOG.warn("Passing over the checkpoint {}: {}", path, problem);
    return Optional.empty();
  }

  /** What is wrong with a checkpoint's files; empty if nothing. */
  private static String damage(Path path, CheckpointState state) throws IOException {
    for (Map.Entry<String, CheckpointState.FileDigest> file : state.files().entrySet()) {
      Path found = path.resolve(file.getKey());
      if (!Files.exists(found)) {
        return file.getKey() + " is missing";
      }
      CheckpointState.FileDigest expected = file.getValue();
      if (Files.size(found) != expected.bytes()) {
        return "%s has %d bytes instead of %d"
            .formatted(file.getKey(), Files.size(found), expected.bytes());
      }
      String actual = digest(found).sha256();
      if (!actual.equals(expected.sha256())) {
        return "%s has %s instead of %s".formatted(file.getKey(), actual, expected.sha256());
      }
    }
    return "";
  }

  private SparktuneException failed(Path target, Path temporary, IOException cause) {
    try {
      delete(temporary);
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
    String message = String.valueOf(cause.getMessage());
    boolean full = message.contains("No space left") || message.contains("quota");
    return new SparktuneException(
        full ? ErrorCode.RESOURCES : ErrorCode.OUTPUT,
        "The checkpoint %s cannot be written (%s).".formatted(target, message),
        "%s and start again: the run goes on from %s."
            .formatted(
                full ? "Free some space" : "Check the folder and its permissions", newestName()),
        cause);
  }

  private void prune() throws IOException {
    List<Path> oldestFirst = list();
    oldestFirst.sort(Comparator.naturalOrder());
    for (Path old : oldestFirst.subList(0, Math.max(0, oldestFirst.size() - keep))) {
      delete(old);
    }
  }

  /** Left behind by a process that was killed while it wrote. */
  private void removeTemporaries() throws IOException {
    try (DirectoryStream<Path> found = Files.newDirectoryStream(folder, "step-*" + TEMPORARY)) {
      for (Path path : found) {
        delete(path);
      }
    }
  }

  private List<Path> list() throws IOException {
    List<Path> paths = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> found = Files.newDirectoryStream(folder, "step-*")) {
        for (Path path : found) {
          if (!path.toString().endsWith(TEMPORARY)) {
            paths.add(path);
          }
        }
      }
    }
    return paths;
  }

  /** Removes a checkpoint; its state first, so that half of one is never taken for a whole. */
  private static void delete(Path checkpoint) throws IOException {
    if (!Files.exists(checkpoint)) {
      return;
    }
    Files.deleteIfExists(checkpoint.resolve(STATE));
    try (DirectoryStream<Path> files = Files.newDirectoryStream(checkpoint)) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
    Files.delete(checkpoint);
  }

  private static CheckpointState.FileDigest digest(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return new CheckpointState.FileDigest(Files.size(file), Fingerprint.ofStream(in));
    }
  }

  /** Waits until a file, or a folder's entries, are on the disk. */
  private static void sync(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
