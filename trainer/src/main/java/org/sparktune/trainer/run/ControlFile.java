package org.sparktune.trainer.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.optim.LearningRateSchedule;

/**
 * {@code control.json} in the task folder: values that may be changed while a run is going. It is
 * looked at before every step and taken up when its content has changed. A file that makes no sense
 * is reported once and changes nothing: a typing error must not end a run of days.
 */
final class ControlFile {
  private static final Logger LOG = LoggerFactory.getLogger(ControlFile.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private String seen = "";

  ControlFile(Path file) {
    this.file = file;
  }

  /** What can be changed. */
  record Settings(LearningRateSchedule schedule, Cadence cadence) {}

  /**
   * Reads the file if it has changed.
   *
   * @param current the settings in force
   * @return the new settings, if they differ
   */
  Optional<Settings> poll(Settings current) {
    String content;
    try {
      if (!Files.exists(file)) {
        return Optional.empty();
      }
      content = Files.readString(file);
    } catch (IOException e) {
      // Being replaced at this moment: the next step looks again.
      LOG.debug("{} cannot be read now", file, e);
      return Optional.empty();
    }
    if (content.equals(seen)) {
      return Optional.empty();
    }
    seen = content;
    try {
      Settings changed = apply(JSON.readTree(content), current);
      return changed.equals(current) ? Optional.empty() : Optional.of(changed);
    } catch (IOException e) {
      LOG.warn("{} is not JSON and was ignored: {}", file, e.getMessage());
    } catch (SparktuneException e) {
      LOG.warn("{} was ignored: {}", file, e.getMessage());
    }
    return Optional.empty();
  }

  private static Settings apply(JsonNode root, Settings current) {
    LearningRateSchedule schedule = current.schedule();
    Cadence cadence = current.cadence();
    long logEvery = cadence.logEvery();
    long evaluateEvery = cadence.evaluateEvery();
    long sampleEvery = cadence.sampleEvery();
    long checkpointEvery = cadence.checkpointEvery();
    if (!root.isObject()) {
      throw invalid("it is not a mapping");
    }
    for (Iterator<Map.Entry<String, JsonNode>> fields = root.fields(); fields.hasNext(); ) {
      Map.Entry<String, JsonNode> field = fields.next();
      JsonNode value = field.getValue();
      switch (field.getKey()) {
        case "learning_rate" -> {
          if (!value.isNumber()) {
            throw invalid("learning_rate must be a number, not " + value);
          }
          schedule = schedule.withLearningRate(value.doubleValue());
        }
        case "log_every" -> logEvery = count(field);
        case "evaluate_every" -> evaluateEvery = count(field);
        case "sample_every" -> sampleEvery = count(field);
        case "checkpoint_every" -> checkpointEvery = count(field);
        default ->
            throw invalid(
                field.getKey()
                    + " cannot be changed while a run is going; learning_rate, log_every,"
                    + " evaluate_every, sample_every and checkpoint_every can");
      }
    }
    return new Settings(
        schedule,
        new Cadence(
            logEvery, evaluateEvery, sampleEvery, checkpointEvery, cadence.keepCheckpoints()));
  }

  private static long count(Map.Entry<String, JsonNode> field) {
    if (!field.getValue().isIntegralNumber()) {
      throw invalid(
          "%s must be a whole number, not %s".formatted(field.getKey(), field.getValue()));
    }
    return field.getValue().longValue();
  }

  private static SparktuneException invalid(String problem) {
    return new SparktuneException(ErrorCode.INVALID_SPEC, problem, "");
  }
}
