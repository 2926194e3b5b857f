package org.sparktune.jobs.workflow;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.util.Map;
import java.util.Optional;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.storage.Place;

/**
 * What a task folder says about itself: {@link #STARTED} is written before the work, so that
 * another task's leftovers are never resumed; {@link #DONE} after it, so that a rerun skips the
 * task.
 *
 * @param task the task's name
 * @param type the task's type
 * @param fingerprint of the task, its inputs and the version of sparktune
 * @param version the version of sparktune
 * @param seconds how long the work took; 0 when it is not done
 * @param result what the task reports; empty when it is not done
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record TaskMark(
    @JsonProperty("task") String task,
    @JsonProperty("type") String type,
    @JsonProperty("fingerprint") String fingerprint,
    @JsonProperty("version") String version,
    @JsonProperty("seconds") double seconds,
    @JsonProperty("result") Map<String, Object> result) {

  static final String STARTED = "_task.json";
  static final String DONE = "_done.json";

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /** The mark of a folder, if it has one. */
  static Optional<TaskMark> read(Place taskFolder, String name) {
    Place file = taskFolder.child(name);
    Optional<String> text = file.read();
    if (text.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(JSON.readValue(text.get(), TaskMark.class));
    } catch (JsonProcessingException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s is damaged (%s).".formatted(file, e.getOriginalMessage()),
          "Delete %s to run the task again.".formatted(taskFolder),
          e);
    }
  }

  void write(Place taskFolder, String name) {
    try {
      taskFolder.child(name).write(JSON.writeValueAsString(this) + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A task's result must be representable as JSON", e);
    }
  }
}
