package org.sparktune.jobs.dl4j;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.util.SerializableConfiguration;
import org.deeplearning4j.spark.data.loader.RemoteFileSource;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** Makes a data set of a record's bytes, on the rank that trains on it. */
sealed interface BatchDecoder extends Serializable {

  /** The data set. */
  MultiDataSet decode(byte[] record);

  /** Records are data sets as ND4J saves them. */
  record Saved() implements BatchDecoder {
    static byte[] encode(MultiDataSet data) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      try {
        data.save(out);
      } catch (IOException e) {
        throw new UncheckedIOException("A data set cannot be written to memory", e);
      }
      return out.toByteArray();
    }

    @Override
    public MultiDataSet decode(byte[] record) {
      MultiDataSet data = new org.nd4j.linalg.dataset.MultiDataSet();
      try {
        data.load(new ByteArrayInputStream(record));
      } catch (IOException e) {
        throw new UncheckedIOException("A data set cannot be read from memory", e);
      }
      return data;
    }
  }

  /**
   * Records are paths in UTF-8.
   *
   * @param loader reads a {@code DataSet} or a {@code MultiDataSet}
   * @param configuration of the file systems
   */
  record Path(org.nd4j.common.loader.Loader<?> loader, SerializableConfiguration configuration)
      implements BatchDecoder {
    static byte[] encode(String path) {
      return path.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public MultiDataSet decode(byte[] record) {
      String path = new String(record, StandardCharsets.UTF_8);
      try {
        FileSystem files = FileSystem.get(URI.create(path), configuration.value());
        Object data = loader.load(new RemoteFileSource(path, files));
        return data instanceof DataSet single ? single.toMultiDataSet() : (MultiDataSet) data;
      } catch (IOException e) {
        throw new SparktuneException(
            ErrorCode.BAD_FILE,
            "The data set %s cannot be read: %s.".formatted(path, e.getMessage()),
            "Check it with dl4j-spark's SparkDataValidation.",
            e);
      }
    }
  }
}
