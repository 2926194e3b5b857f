package org.sparktune.pipeline.storage;

import java.io.IOException;
import java.net.URI;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.fs.CompositeCrcFileChecksum;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileChecksum;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.DataChecksum;

/** Local files under another scheme, some of whose answers are wrong. */
public final class ElsewhereFileSystem extends RawLocalFileSystem {
  static final AtomicInteger OPENED = new AtomicInteger();

  @Override
  public URI getUri() {
    return URI.create("elsewhere:///");
  }

  @Override
  public String getScheme() {
    return "elsewhere";
  }

  @Override
  public FSDataInputStream open(Path file, int bufferSize) throws IOException {
    OPENED.incrementAndGet();
    return super.open(file, bufferSize);
  }

  @Override
  public FileStatus getFileStatus(Path file) throws IOException {
    FileStatus status = super.getFileStatus(file);
    return file.getName().startsWith("huge")
        ? new FileStatus(1L << 60, false, 1, 1, status.getModificationTime(), file)
        : status;
  }

  @Override
  public FileChecksum getFileChecksum(Path file) {
    return file.getName().startsWith("damaged")
        ? new CompositeCrcFileChecksum(1, DataChecksum.Type.CRC32C, 512)
        : null;
  }
}
