package org.sparktune.trainer.storage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FsStatus;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.StreamCapabilities;

/**
 * A Hadoop file system as checkpoints and outputs need it: what is written is on the disk when it
 * is said to be, and files are there whole or not at all.
 */
public final class Storage {
  /**
   * File systems that rename in one step. Elsewhere, in object stores, a file appears when its
   * stream is closed, so writing it directly has the same effect at a third of the requests.
   */
  private static final Set<String> RENAMING = Set.of("file", "hdfs", "viewfs", "webhdfs");

  private static final String TEMPORARY = ".tmp";

  private final FileSystem fileSystem;
  private final boolean local;
  private final boolean renames;

  private Storage(FileSystem fileSystem) {
    this.local = fileSystem instanceof LocalFileSystem;
    // Without Hadoop's own checksum files: parts and manifests have theirs.
    this.fileSystem = local ? ((LocalFileSystem) fileSystem).getRawFileSystem() : fileSystem;
    this.renames = RENAMING.contains(fileSystem.getUri().getScheme());
  }

  /** The file system of a path. */
  public static Storage of(String location, Configuration hadoop) throws IOException {
    return new Storage(new Path(location).getFileSystem(hadoop));
  }

  /** A folder's entries; none when there is no such folder. */
  public List<FileStatus> list(Path folder) throws IOException {
    try {
      return List.of(fileSystem.listStatus(folder));
    } catch (FileNotFoundException e) {
      return List.of();
    }
  }

  /** Whether there is a file or folder. */
  public boolean exists(Path path) throws IOException {
    return fileSystem.exists(path);
  }

  /** A file's or folder's facts. */
  public FileStatus status(Path path) throws IOException {
    return fileSystem.getFileStatus(path);
  }

  /** A file's size in bytes. */
  public long size(Path file) throws IOException {
    return fileSystem.getFileStatus(file).getLen();
  }

  /** Makes a folder and those above it, where they are not there. */
  public void makeFolder(Path folder) throws IOException {
    if (!fileSystem.mkdirs(folder)) {
      throw new IOException("the folder %s cannot be made".formatted(folder));
    }
  }

  /** Removes a file or a folder with all that is in it, if it is there. */
  public void delete(Path path) throws IOException {
    if (!fileSystem.delete(path, true) && fileSystem.exists(path)) {
      throw new IOException("%s cannot be removed".formatted(path));
    }
  }

  /** Opens a file. */
  public FSDataInputStream open(Path file) throws IOException {
    return fileSystem.open(file);
  }

  /** Hadoop's local file systems report a full disk as an error of the JVM. */
  public static IOException asException(FSError error) {
    return new IOException(error.getCause().getMessage(), error);
  }

  /** Starts a new file; to be ended with {@link #finish}. */
  public FSDataOutputStream create(Path file) throws IOException {
    return fileSystem.create(file, true);
  }

  /** Waits until what was written is safe, and closes the file. */
  public void finish(FSDataOutputStream out) throws IOException {
    if (out.hasCapability(StreamCapabilities.HSYNC)) {
      out.hsync();
    }
    out.close();
  }

  /** Waits until a local folder's entries are on the disk; other file systems do so themselves. */
  public void syncFolder(Path folder) throws IOException {
    if (!local) {
      return;
    }
    java.nio.file.Path path = java.nio.file.Path.of(folder.toUri().getPath());
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** The content of a small file. */
  public String read(Path file) throws IOException {
    try (FSDataInputStream in = open(file)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** Writes the contents of a file. */
  @FunctionalInterface
  public interface Body {
    /** Writes them; the stream is closed by others. */
    void write(FSDataOutputStream out) throws IOException;
  }

  /** Writes a small file that is there whole or not at all, in the place of another or of none. */
  public void put(Path file, String text) throws IOException {
    put(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** Writes a file that is there whole or not at all, in the place of another or of none. */
  public void put(Path file, Body body) throws IOException {
    Path target = renames ? file.suffix(TEMPORARY) : file;
    try (FSDataOutputStream out = create(target)) {
      body.write(out);
      finish(out);
    } catch (FSError e) {
      throw asException(e);
    }
    if (renames) {
      if (!local) {
        // Hadoop's rename replaces nothing; the local one does.
        delete(file);
      }
      if (!fileSystem.rename(target, file)) {
        throw new IOException("%s cannot be renamed to %s".formatted(target, file.getName()));
      }
    }
    syncFolder(file.getParent());
  }

  /** How many bytes can still be written, copies that the file system keeps not counted. */
  public long freeBytes(Path folder) throws IOException {
    FsStatus status = fileSystem.getStatus(folder);
    return status.getRemaining() / Math.max(1, fileSystem.getDefaultReplication(folder));
  }
}
