package org.sparktune.trainer.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FsStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * A file system over a local folder that fails on demand. As {@code objects:/…} it behaves like an
 * object store: a file appears when its stream is closed, and nothing can be renamed. As {@code
 * hdfs:/…} half-written files can be seen, and a rename replaces nothing.
 */
public final class FaultyFileSystem extends RawLocalFileSystem {
  /** Files whose names contain this cannot be written. */
  static final String FAILING = "faulty.failing";

  /** How many bytes of them are written before they fail. */
  static final String FAILS_AFTER = "faulty.fails.after";

  /** What the failure says. */
  static final String MESSAGE = "faulty.message";

  /** Files whose names contain this cannot be read. */
  static final String UNREADABLE = "faulty.unreadable";

  /** How many bytes are free. */
  static final String FREE = "faulty.free";

  /** How many changes all of these file systems together make before the power fails. */
  private static final AtomicLong CHANGES_LEFT = new AtomicLong(Long.MAX_VALUE);

  private URI uri;

  /** Settings with which such paths are on this file system. */
  static Configuration configuration() {
    Configuration configuration = new Configuration();
    for (String scheme : new String[] {"objects", "hdfs"}) {
      configuration.setClass(
          "fs." + scheme + ".impl", FaultyFileSystem.class, FaultyFileSystem.class);
      configuration.setBoolean("fs." + scheme + ".impl.disable.cache", true);
    }
    return configuration;
  }

  /** Lets nothing change any more after so many changes. */
  static void failPowerAfter(long changes) {
    CHANGES_LEFT.set(changes);
  }

  /** Whether the power has failed. */
  static boolean powerHasFailed() {
    return CHANGES_LEFT.get() < 0;
  }

  @Override
  public void initialize(URI name, Configuration configuration) throws IOException {
    super.initialize(name, configuration);
    uri = URI.create(name.getScheme() + ":///");
  }

  @Override
  public URI getUri() {
    // Asked for by the superclass's constructor.
    return uri == null ? URI.create("objects:///") : uri;
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    if (isObjectStore()) {
      throw new UnsupportedOperationException("Objects are not renamed");
    }
    change();
    return !exists(to) && super.rename(from, to);
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    change();
    return super.delete(path, recursive);
  }

  @Override
  public boolean mkdirs(Path folder) throws IOException {
    change();
    return super.mkdirs(folder);
  }

  @Override
  public boolean mkdirs(Path folder, FsPermission permission) throws IOException {
    return mkdirs(folder);
  }

  @Override
  public FSDataInputStream open(Path file, int bufferSize) throws IOException {
    if (file.getName().contains(getConf().get(UNREADABLE, "\0"))) {
      throw new IOException("connection refused");
    }
    return super.open(file, bufferSize);
  }

  @Override
  public FSDataOutputStream create(
      Path file,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    change();
    boolean failing = file.getName().contains(getConf().get(FAILING, "\0"));
    long limit = failing ? getConf().getLong(FAILS_AFTER, 0) : Long.MAX_VALUE;
    java.nio.file.Path local = pathToFile(file).toPath();
    if (isObjectStore()) {
      return new FSDataOutputStream(new Upload(local, limit), null);
    }
    return new FSDataOutputStream(new Limited(Files.newOutputStream(local), limit), null);
  }

  @Override
  public FsStatus getStatus(Path path) {
    return new FsStatus(Long.MAX_VALUE, 0, getConf().getLong(FREE, Long.MAX_VALUE));
  }

  private boolean isObjectStore() {
    return uri.getScheme().equals("objects");
  }

  private static void change() throws IOException {
    if (CHANGES_LEFT.decrementAndGet() < 0) {
      throw new IOException("the power has failed");
    }
  }

  /** Writes half of what it is given when it fails. */
  private class Limited extends OutputStream {
    private final OutputStream out;
    private final long limit;
    private long written;
    private boolean failed;

    Limited(OutputStream out, long limit) {
      this.out = out;
      this.limit = limit;
    }

    @Override
    public final void write(int value) throws IOException {
      write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public final void write(byte[] from, int offset, int length) throws IOException {
      try {
        change();
        if (written + length > limit) {
          throw new IOException(getConf().get(MESSAGE, "No space left on device"));
        }
      } catch (IOException e) {
        if (!failed && !powerHasFailed()) {
          out.write(from, offset, length / 2);
        }
        failed = true;
        throw e;
      }
      out.write(from, offset, length);
      written += length;
    }

    @Override
    public void close() throws IOException {
      out.close();
    }

    final boolean hasFailed() {
      return failed;
    }
  }

  /** A file that appears when it is closed. */
  private final class Upload extends Limited {
    private final java.nio.file.Path target;
    private final ByteArrayOutputStream bytes;

    Upload(java.nio.file.Path target, long limit) {
      this(target, limit, new ByteArrayOutputStream());
    }

    private Upload(java.nio.file.Path target, long limit, ByteArrayOutputStream bytes) {
      super(bytes, limit);
      this.target = target;
      this.bytes = bytes;
    }

    @Override
    public void close() throws IOException {
      if (!hasFailed()) {
        change();
        Files.createDirectories(target.getParent());
        Files.write(target, bytes.toByteArray());
      }
    }
  }
}
