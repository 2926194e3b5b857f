package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.Locale;

/**
 * What a preparation does about files that arrive later.
 *
 * @param mode whether there are to be versions, and who waits for files
 * @param trigger of a stream: when it ends
 * @param intervalSeconds of a continuous stream: how often it looks for files
 * @param maxFilesPerBatch of a stream: files of a source that one version takes in at most
 */
public record ArrivalOptions(Mode mode, Trigger trigger, int intervalSeconds, int maxFilesPerBatch)
    implements Serializable {
  /** Where nothing else is asked for. */
  public static final int DEFAULT_INTERVAL_SECONDS = 60;

  /** Where nothing else is asked for. */
  public static final int DEFAULT_MAX_FILES_PER_BATCH = 1000;

  /** All files at once. */
  public static final ArrivalOptions BATCH =
      new ArrivalOptions(
          Mode.BATCH, Trigger.AVAILABLE_NOW, DEFAULT_INTERVAL_SECONDS, DEFAULT_MAX_FILES_PER_BATCH);

  /** How files become a dataset. */
  public enum Mode {
    /** All at once, to a dataset without versions. */
    BATCH,
    /** Every run appends a version of the files that are new. */
    INCREMENTAL,
    /** Structured Streaming appends a version for every batch of files. */
    STREAM
  }

  /** When a stream ends. */
  public enum Trigger {
    /** When all files that are there now have been read. */
    AVAILABLE_NOW,
    /** When it is stopped. */
    CONTINUOUS;

    /** The word in specifications. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Whether the dataset has versions. */
  public boolean versioned() {
    return mode != Mode.BATCH;
  }
}
