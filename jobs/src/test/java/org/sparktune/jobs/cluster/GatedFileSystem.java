package org.sparktune.jobs.cluster;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;

/**
 * The local disk as {@code gated:/…}, which lets no checkpoint be written while {@link
 * CheckpointGate} is shut for its step: so a test finds a training of milliseconds where it wants
 * it.
 */
public final class GatedFileSystem extends RawLocalFileSystem {
  static final String SCHEME = "gated";
  static final String GATE = "fs.gated.gate";
  private static final long POLL_MILLIS = 5;
  private static final long PATIENCE_SECONDS = 180;

  private java.nio.file.Path gate;

  @Override
  public void initialize(URI name, Configuration configuration) throws IOException {
    super.initialize(name, configuration);
    gate = java.nio.file.Path.of(configuration.get(GATE));
  }

  @Override
  public URI getUri() {
    return URI.create(SCHEME + ":///");
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
    FSDataOutputStream out =
        super.create(file, overwrite, bufferSize, replication, blockSize, progress);
    awaitGate(file.getParent().getName());
    return out;
  }

  private void awaitGate(String step) throws IOException {
    java.nio.file.Path shut = gate.resolve(step);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (Files.exists(shut)) {
      Files.createDirectories(gate.resolve("waits-for-" + step));
      if (System.nanoTime() > end) {
        throw new IOException("Nobody opened the gate " + shut);
      }
      try {
        TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("Interrupted before the gate " + shut, e);
      }
    }
  }
}
