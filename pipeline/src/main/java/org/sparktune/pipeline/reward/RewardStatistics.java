package org.sparktune.pipeline.reward;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.util.SortedMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.sparktune.core.DatasetVersions;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.dataset.HadoopStorage;
import org.sparktune.pipeline.sample.JsonValues;

/**
 * What a dataset's scores were normalized by: {@code _rewards.json}.
 *
 * @param by what makes a group: nothing, the source, or a column; the word of the option
 * @param all of all scores together, for groups that are not known
 * @param groups by name
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record RewardStatistics(
    @JsonProperty("by") String by,
    @JsonProperty("all") ScoreStatistics all,
    @JsonProperty("groups") SortedMap<String, ScoreStatistics> groups)
    implements Serializable {

  /** The file in a dataset's folder. */
  public static final String FILE_NAME = "_rewards.json";

  /** Of one group, or of all where it is not known. */
  public ScoreStatistics of(String group) {
    return groups.getOrDefault(group, all);
  }

  /** As {@link #FILE_NAME} holds it. */
  public String toJson() {
    try {
      return JsonValues.write(this) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Numbers and names are always JSON", e);
    }
  }

  /**
   * Reads those of an earlier dataset.
   *
   * @param folder the dataset's folder, or that of the task that made it
   * @throws SparktuneException {@link ErrorCode#BAD_FILE} when there are none
   */
  public static RewardStatistics read(String folder, Configuration configuration) {
    try {
      DatasetVersions versions = new DatasetVersions(new HadoopStorage(configuration));
      Path path = new Path(versions.resolve(folder), FILE_NAME);
      FileSystem fileSystem = path.getFileSystem(configuration);
      if (!fileSystem.exists(path)) {
        path = new Path(versions.resolve(folder + "/dataset"), FILE_NAME);
      }
      if (!fileSystem.exists(path)) {
        throw new SparktuneException(
            ErrorCode.BAD_FILE,
            "%s holds no %s.".formatted(folder, FILE_NAME),
            "Name a dataset that was prepared with 'rewards'.");
      }
      try (InputStream in = fileSystem.open(path)) {
        return JsonValues.mapper().readValue(in, RewardStatistics.class);
      }
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The reward statistics in %s cannot be read (%s).".formatted(folder, e.getMessage()),
          "Prepare that dataset again.",
          e);
    }
  }
}
