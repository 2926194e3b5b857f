package org.sparktune.trainer.collective.aeron;

import io.aeron.CommonContext;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import org.agrona.IoUtil;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a media driver keeps its files: {@code
 * /dev/shm/sparktune-<user>-<namespace>-<pid>-<random>}. A folder whose process is gone, because it
 * was killed, is deleted by the next one that starts.
 */
final class DriverFolder {
  private static final Logger LOG = LoggerFactory.getLogger(DriverFolder.class);
  private static final Path SHARED_MEMORY = Path.of("/dev/shm");
  private static final String PREFIX = "sparktune-";

  /** Another container's driver that has not shown itself for so long is not running. */
  private static final Duration SILENCE = Duration.ofMinutes(10);

  private DriverFolder() {}

  /** The folder that holds the drivers' folders. */
  static Path parent(Optional<Path> chosen) {
    if (chosen.isPresent()) {
      return chosen.get();
    }
    return Files.isDirectory(SHARED_MEMORY) && Files.isWritable(SHARED_MEMORY)
        ? SHARED_MEMORY
        : Path.of(System.getProperty("java.io.tmpdir"));
  }

  /** A name nobody has, after removing what dead processes left. */
  static Path create(Path parent) {
    removeAbandoned(parent);
    byte[] random = new byte[12];
    new SecureRandom().nextBytes(random);
    return parent.resolve(
        "%s%s-%d-%s"
            .formatted(
                ownPrefix(),
                processNamespace(),
                ProcessHandle.current().pid(),
                HexFormat.of().formatHex(random)));
  }

  /** Bytes that can still be written. */
  static long freeBytes(Path parent) {
    try {
      FileStore store = Files.getFileStore(parent);
      return store.getUsableSpace();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Deletes this user's folders whose process is gone. */
  static void removeAbandoned(Path parent) {
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(parent, ownPrefix() + "*")) {
      for (Path folder : folders) {
        if (isAbandoned(folder)) {
          LOG.info("Removing {}, which a process that is gone has left.", folder);
          IoUtil.delete(folder.toFile(), true);
        }
      }
    } catch (IOException e) {
      LOG.warn("Folders of dead processes in {} were not removed: {}", parent, e.toString());
    }
  }

  /**
   * In the same process namespace the process id in the name decides. Another container's process
   * cannot be seen from here, so its driver must have shown no sign of life for a while.
   */
  private static boolean isAbandoned(Path folder) {
    String[] parts = folder.getFileName().toString().substring(ownPrefix().length()).split("-", -1);
    if (parts.length != 3 || !parts[1].matches("\\d{1,18}")) {
      return false;
    }
    if (parts[0].equals(processNamespace())) {
      return ProcessHandle.of(Long.parseLong(parts[1])).isEmpty();
    }
    return !CommonContext.isDriverActive(folder.toFile(), SILENCE.toMillis(), message -> {});
  }

  /** Process ids mean the same where this is the same. */
  private static String processNamespace() {
    try {
      Path link = Files.readSymbolicLink(Path.of("/proc/self/ns/pid"));
      return link.toString().replaceAll("\\D", "");
    } catch (IOException e) {
      return "0";
    }
  }

  private static String ownPrefix() {
    return PREFIX + System.getProperty("user.name").replaceAll("[^A-Za-z0-9]", "_") + "-";
  }
}
