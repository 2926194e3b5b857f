package org.sparktune.pipeline.dataset;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.sparktune.core.DatasetVersions;

/**
 * Where datasets lie: any Hadoop file system.
 *
 * @param configuration says how file systems are reached
 */
public record HadoopStorage(Configuration configuration) implements DatasetVersions.Storage {
  @Override
  public boolean exists(String path) throws IOException {
    Path file = new Path(path);
    return file.getFileSystem(configuration).exists(file);
  }

  @Override
  public List<String> names(String folder) throws IOException {
    Path path = new Path(folder);
    List<String> names = new ArrayList<>();
    try {
      for (FileStatus status : path.getFileSystem(configuration).listStatus(path)) {
        names.add(status.getPath().getName());
      }
    } catch (FileNotFoundException absent) {
      return List.of();
    }
    return names;
  }

  @Override
  public InputStream open(String path) throws IOException {
    Path file = new Path(path);
    return file.getFileSystem(configuration).open(file);
  }
}
