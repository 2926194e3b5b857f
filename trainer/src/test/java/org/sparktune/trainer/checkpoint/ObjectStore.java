package org.sparktune.trainer.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FsStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;

/**
 * A file system that behaves like an object store: a file appears when its stream is closed, and
 * nothing can be renamed. It fails on demand.
 */
public final class ObjectStore extends RawLocalFileSystem {
  /** Files whose names contain this fail. */
  static final String FAILING = "objects.failing";

  /** How many bytes are written before they fail. */
  static final String FAILS_AFTER = "objects.fails.after";

  /** What the failure says. */
  static final String MESSAGE = "objects.message";

  /** Files whose names contain this cannot be read. */
  static final String UNREADABLE = "objects.unreadable";

  /** How many bytes are free. */
  static final String FREE = "objects.free";

  /** Settings with which {@code objects:/…} is such a store. */
  static Configuration configuration() {
    Configuration configuration = new Configuration();
    configuration.setClass("fs.objects.impl", ObjectStore.class, ObjectStore.class);
    configuration.setBoolean("fs.objects.impl.disable.cache", true);
    return configuration;
  }

  @Override
  public URI getUri() {
    return URI.create("objects:///");
  }

  @Override
  public boolean rename(Path from, Path to) {
    throw new UnsupportedOperationException("Objects are not renamed");
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
    boolean failing = file.getName().contains(getConf().get(FAILING, "\0"));
    return new FSDataOutputStream(
        new Upload(
            pathToFile(file).toPath(),
            failing ? getConf().getLong(FAILS_AFTER, 0) : Long.MAX_VALUE),
        null);
  }

  @Override
  public FsStatus getStatus(Path path) {
    return new FsStatus(Long.MAX_VALUE, 0, getConf().getLong(FREE, Long.MAX_VALUE));
  }

  private final class Upload extends OutputStream {
    private final java.nio.file.Path target;
    private final long limit;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private boolean failed;

    Upload(java.nio.file.Path target, long limit) {
      this.target = target;
      this.limit = limit;
    }

    @Override
    public void write(int value) throws IOException {
      write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] from, int offset, int length) throws IOException {
      if (bytes.size() + length > limit) {
        failed = true;
        throw new IOException(getConf().get(MESSAGE, "No space left on device"));
      }
      bytes.write(from, offset, length);
    }

    @Override
    public void close() throws IOException {
      if (!failed) {
        Files.createDirectories(target.getParent());
        Files.write(target, bytes.toByteArray());
      }
    }
  }
}
