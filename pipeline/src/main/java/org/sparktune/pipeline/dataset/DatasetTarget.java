package org.sparktune.pipeline.dataset;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.core.WriteFailure;

/**
 * The folder a dataset is to be in. Everything is written to a sibling, which takes the name when
 * it is complete: the folder is there whole or not at all.
 */
public final class DatasetTarget {
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private final Path target;
  private final Path staging;
  private final FileSystem fileSystem;

  /**
   * @param output the folder, a path or URI
   */
  public DatasetTarget(String output, Configuration configuration) {
    this.target = new Path(output);
    try {
      this.fileSystem = target.getFileSystem(configuration);
      Path qualified = fileSystem.makeQualified(target);
      this.staging = new Path(qualified.getParent(), "." + qualified.getName() + ".preparing");
    } catch (IOException e) {
      throw failure("cannot be reached", e);
    }
  }

  /**
   * What is there already.
   *
   * @param specFingerprint of what is to be prepared
   * @return the manifest if exactly this was prepared before; nothing if the folder is absent or
   *     empty
   * @throws SparktuneException {@link ErrorCode#OUTPUT} when it holds something else
   */
  public Optional<DatasetManifest> existing(String specFingerprint) {
    try {
      if (!fileSystem.exists(target)) {
        return Optional.empty();
      }
      Path manifest = new Path(target, DatasetManifest.FILE_NAME);
      if (fileSystem.exists(manifest)) {
        try (InputStream in = fileSystem.open(manifest)) {
          DatasetManifest found = JSON.readValue(in, DatasetManifest.class);
          if (specFingerprint.equals(found.specFingerprint())) {
            return Optional.of(found);
          }
        }
      } else if (fileSystem.getFileStatus(target).isDirectory()
          && fileSystem.listStatus(target).length == 0) {
        return Optional.empty();
      }
    } catch (IOException e) {
      throw failure("cannot be read (" + e.getMessage() + ")", e);
    }
    throw new SparktuneException(
        ErrorCode.OUTPUT,
        "The output folder " + target + " exists with other content.",
        "Choose another folder, or delete this one if it is not needed.");
  }

  /** The folder to write to, new and empty. */
  public String stage() {
    try {
      fileSystem.delete(staging, true);
      fileSystem.mkdirs(staging);
      return staging.toString();
    } catch (IOException e) {
      throw WriteFailure.of("The output folder " + target, e);
    }
  }

  /** Writes a file of text. */
  public void write(String name, String text) {
    try (OutputStream out = fileSystem.create(new Path(staging, name), true)) {
      out.write(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw WriteFailure.of("The output folder " + target, e);
    } catch (FSError e) {
      // Hadoop's local file system reports a full disk as an error of the JVM.
      throw WriteFailure.of(
          "The output folder " + target, new IOException(e.getCause().getMessage(), e));
    }
  }

  /** Writes the manifest and gives the folder its name. */
  public void complete(DatasetManifest manifest) {
    try {
      write(DatasetManifest.FILE_NAME, JSON.writeValueAsString(manifest) + "\n");
      // Only an empty folder can be there, see existing.
      if (fileSystem.exists(target) && !fileSystem.delete(target, false)) {
        throw new IOException("the empty folder cannot be replaced");
      }
      if (!fileSystem.rename(staging, target)) {
        throw new IOException("renaming " + staging + " failed");
      }
    } catch (IOException e) {
      throw failure("cannot be completed (" + e.getMessage() + ")", e);
    }
  }

  /** Removes what was written so far. */
  public void discard() {
    try {
      fileSystem.delete(staging, true);
    } catch (IOException e) {
      throw failure("cannot be cleaned up (" + e.getMessage() + ")", e);
    }
  }

  private SparktuneException failure(String what, IOException cause) {
    return new SparktuneException(
        ErrorCode.OUTPUT,
        "The output folder " + target + " " + what + ".",
        "Check the path, space and permissions.",
        cause);
  }
}
