package org.sparktune.pipeline.prepare;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * The local disk as {@code failing:}, which goes away at any one change and stays away, as a killed
 * process sees it: what was written is there, and nothing is cleaned up.
 */
public final class FailingFileSystem extends RawLocalFileSystem {
  /** The scheme. */
  static final String SCHEME = "failing";

  private static final AtomicInteger changesLeft = new AtomicInteger(Integer.MAX_VALUE);

  /** Makes it known to Spark. */
  static void register(Configuration configuration) {
    configuration.set("fs." + SCHEME + ".impl", FailingFileSystem.class.getName());
    configuration.setBoolean("fs." + SCHEME + ".impl.disable.cache", true);
  }

  /** Lets some changes happen before it goes away. */
  static void failAfter(int changes) {
    changesLeft.set(changes);
  }

  /** It stays. */
  static void recover() {
    changesLeft.set(Integer.MAX_VALUE);
  }

  /** Whether it went away. */
  static boolean isGone() {
    return changesLeft.get() < 0;
  }

  private static void change() throws IOException {
    if (changesLeft.get() == Integer.MAX_VALUE) {
      return;
    }
    if (changesLeft.decrementAndGet() < 0) {
      throw new IOException("the disk is gone");
    }
  }

  @Override
  public String getScheme() {
    return SCHEME;
  }

  @Override
  public URI getUri() {
    return URI.create(SCHEME + ":///");
  }

  @Override
  public FSDataOutputStream create(
      org.apache.hadoop.fs.Path file,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    change();
    return super.create(file, overwrite, bufferSize, replication, blockSize, progress);
  }

  @Override
  public FSDataOutputStream create(
      org.apache.hadoop.fs.Path file,
      FsPermission permission,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    change();
    return super.create(file, permission, overwrite, bufferSize, replication, blockSize, progress);
  }

  @Override
  public boolean rename(org.apache.hadoop.fs.Path from, org.apache.hadoop.fs.Path to)
      throws IOException {
    change();
    return super.rename(from, to);
  }

  @Override
  public boolean delete(org.apache.hadoop.fs.Path file, boolean recursive) throws IOException {
    change();
    return super.delete(file, recursive);
  }

  @Override
  public boolean mkdirs(org.apache.hadoop.fs.Path folder) throws IOException {
    change();
    return super.mkdirs(folder);
  }

  /** A local path with the scheme. */
  static String uri(Path path) {
    return SCHEME + ":" + path;
  }
}
