package org.sparktune.jobs.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.core.WriteFailure;
import org.sparktune.trainer.storage.Storage;

/** A place on a Hadoop file system; every operation asks it anew. */
final class RemotePlace implements Place {
  private final Path path;
  private final Configuration hadoop;

  RemotePlace(String location, Configuration hadoop) {
    this(new Path(location), hadoop);
  }

  private RemotePlace(Path path, Configuration hadoop) {
    this.path = path;
    this.hadoop = hadoop;
  }

  @Override
  public String location() {
    return path.toString();
  }

  @Override
  public Optional<java.nio.file.Path> local() {
    return Optional.empty();
  }

  @Override
  public RemotePlace child(String name) {
    return new RemotePlace(new Path(path, name), hadoop);
  }

  @Override
  public boolean exists() {
    return reading(storage -> storage.exists(path));
  }

  @Override
  public boolean isFolder() {
    return reading(storage -> storage.exists(path) && storage.status(path).isDirectory());
  }

  @Override
  public List<String> names() {
    return reading(
        storage -> {
          List<String> names = new ArrayList<>();
          for (FileStatus entry : storage.list(path)) {
            names.add(entry.getPath().getName());
          }
          names.sort(null);
          return names;
        });
  }

  @Override
  public Optional<String> read() {
    return reading(
        storage -> storage.exists(path) ? Optional.of(storage.read(path)) : Optional.empty());
  }

  @Override
  public void write(String text) {
    writing(storage -> storage.put(path, text));
  }

  /** Copies a local file to this place, whole or not at all. */
  void write(java.nio.file.Path file) {
    writing(storage -> storage.put(path, out -> Files.copy(file, out)));
  }

  /**
   * Writes a small file unless there is one: of several who try, one succeeds.
   *
   * @return whether this was the one
   */
  boolean writeNew(byte[] content) {
    try (FSDataOutputStream out = path.getFileSystem(hadoop).create(path, false)) {
      out.write(content);
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    } catch (IOException e) {
      throw WriteFailure.of(location(), e);
    }
  }

  /** Writes a small file in one request, in the place of another; a reader may see half of it. */
  void overwrite(byte[] content) {
    writing(
        storage -> {
          try (FSDataOutputStream out = storage.create(path)) {
            out.write(content);
          }
        });
  }

  @Override
  public void makeFolder() {
    writing(storage -> storage.makeFolder(path));
  }

  @Override
  public void delete() {
    writing(storage -> storage.delete(path));
  }

  @Override
  public String toString() {
    return location();
  }

  /** Something that reads. */
  private interface Reading<T> {
    T read(Storage storage) throws IOException;
  }

  /** Something that writes. */
  private interface Writing {
    void write(Storage storage) throws IOException;
  }

  private <T> T reading(Reading<T> what) {
    try {
      return what.read(Storage.of(location(), hadoop));
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "%s cannot be looked at (%s).".formatted(location(), e.getMessage()),
          "Check the URI, the permissions and that file system's settings.",
          e);
    }
  }

  private void writing(Writing what) {
    try {
      what.write(Storage.of(location(), hadoop));
    } catch (IOException e) {
      throw WriteFailure.of(location(), e);
    }
  }
}
