package org.sparktune.pipeline.prepare;

import java.io.Serializable;
import java.time.LocalDateTime;
import java.time.ZoneId;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.DatasetOptions;

/**
 * Everything a preparation needs to know.
 *
 * @param dataset the sources and how to make a dataset of them
 * @param output the folder to write, a path or URI
 * @param model the model, whose tokenizer and chat template are used: a folder, a {@code
 *     tokenizer.json}, a SentencePiece model or a GGUF file; at the same path on every executor, or
 *     at a URI
 * @param seed of the shuffling
 * @param minimumTokens documents with fewer tokens are rejected
 * @param maximumLineBytes lines of JSON Lines with more bytes are rejected
 * @param time what chat templates that write the date are told
 */
public record PrepareOptions(
    DatasetOptions dataset,
    String output,
    String model,
    long seed,
    int minimumTokens,
    int maximumLineBytes,
    LocalDateTime time)
    implements Serializable {

  /** A document needs a token to predict another from. */
  public static final int DEFAULT_MINIMUM_TOKENS = 2;

  /** 16 MiB: no record of text is that long, so the file is something else. */
  public static final int DEFAULT_MAXIMUM_LINE_BYTES = 16 << 20;

  /** Checks the components. */
  public PrepareOptions {
    require(!dataset.sources().isEmpty(), "sources must name at least one file");
    require(dataset.sequenceLength() >= 2, "sequence_length must be at least 2");
    require(
        dataset.validationFraction() >= 0 && dataset.validationFraction() < 1,
        "validation_fraction must be at least 0 and below 1");
    require(
        dataset.maxRejectRatio() >= 0 && dataset.maxRejectRatio() <= 1,
        "max_reject_ratio must be from 0 to 1");
    require(minimumTokens >= 2, "min_tokens must be at least 2");
    require(maximumLineBytes >= 2, "max_line_bytes must be at least 2");
  }

  /** Options with the defaults for all that a dataset section does not name. */
  public static PrepareOptions of(DatasetOptions dataset, String output, String model, long seed) {
    return new PrepareOptions(
        dataset,
        output,
        model,
        seed,
        DEFAULT_MINIMUM_TOKENS,
        DEFAULT_MAXIMUM_LINE_BYTES,
        LocalDateTime.now(ZoneId.systemDefault()));
  }

  /** The same for another dataset in another folder. */
  PrepareOptions with(DatasetOptions otherDataset, String otherOutput) {
    return new PrepareOptions(
        otherDataset, otherOutput, model, seed, minimumTokens, maximumLineBytes, time);
  }

  /** The same at another time. */
  PrepareOptions at(LocalDateTime otherTime) {
    return new PrepareOptions(
        dataset, output, model, seed, minimumTokens, maximumLineBytes, otherTime);
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new SparktuneException(
          ErrorCode.INVALID_SPEC, "A dataset option is wrong: " + message + ".", "Correct it.");
    }
  }
}
