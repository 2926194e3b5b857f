package org.sparktune.jobs.storage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.sparktune.pipeline.storage.LocalCopies;

/**
 * Where a task writes its files. That is the task's own folder where it is on this machine;
 * otherwise a temporary one, whose files {@link #publish} copies to the task's, each whole or not
 * at all. A folder's {@code …config.json} comes last: what reads models and adapters looks for it
 * first, so half of an adapter is never taken for a whole.
 */
public final class WorkFolder implements AutoCloseable {
  private final Path path;

  /** Null where the work is done in the task's own folder. */
  private final RemotePlace target;

  private final Map<Path, State> published = new HashMap<>();

  private WorkFolder(Path path, RemotePlace target) {
    this.path = path;
    this.target = target;
  }

  /** What tells whether a file has changed. */
  private record State(long size, FileTime modified) {}

  /** Opens the folder for a task; it has the task's name wherever it is. */
  public static WorkFolder open(Place task) {
    if (task instanceof RemotePlace remote) {
      Path root = LocalCopies.cacheFolder().resolve("work-" + UUID.randomUUID());
      Path folder = root.resolve(Path.of(task.location()).getFileName());
      makeFolder(folder);
      return new WorkFolder(folder, remote);
    }
    Path folder = ((LocalPlace) task).path();
    makeFolder(folder);
    return new WorkFolder(folder, null);
  }

  /** The folder on this machine. */
  public Path path() {
    return path;
  }

  /** Whether the task's folder is on another file system. */
  public boolean isRemote() {
    return target != null;
  }

  /**
   * Brings a file of the task's folder here, in the place of one that is here.
   *
   * @param name with slashes, relative to the folder
   */
  public void fetch(String name) {
    if (target == null) {
      return;
    }
    Optional<String> text = target.child(name).read();
    if (text.isEmpty()) {
      return;
    }
    Path file = path.resolve(name);
    try {
      makeFolder(file.getParent());
      Files.writeString(file, text.get());
      published.put(file, state(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Copies what is new or has changed since the last time to the task's folder. */
  public void publish() {
    if (target == null) {
      return;
    }
    try {
      for (Path file : files()) {
        State now = state(file);
        if (!now.equals(published.get(file))) {
          target.child(path.relativize(file).toString()).write(file);
          published.put(file, now);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<Path> files() throws IOException {
    List<Path> files = new ArrayList<>();
    try (Stream<Path> walk = Files.walk(path)) {
      walk.filter(Files::isRegularFile).forEach(files::add);
    }
    Comparator<Path> configurationsLast =
        Comparator.comparing(file -> file.toString().endsWith("config.json"));
    files.sort(configurationsLast.thenComparing(Comparator.naturalOrder()));
    return files;
  }

  private static State state(Path file) throws IOException {
    return new State(Files.size(file), Files.getLastModifiedTime(file));
  }

  private static void makeFolder(Path folder) {
    new LocalPlace(folder).makeFolder();
  }

  /** Removes the folder if it is a temporary one. */
  @Override
  public void close() {
    if (target != null) {
      new LocalPlace(path.getParent()).delete();
    }
  }
}
