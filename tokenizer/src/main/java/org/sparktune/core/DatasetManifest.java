package org.sparktune.core;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Map;

/**
 * {@code _manifest.json} of a dataset folder: what is in it and what made it. {@code
 * docs/formats.md} documents the folder.
 *
 * @param schemaVersion {@link #SCHEMA_VERSION} when this version wrote it
 * @param kind {@code sft}, {@code preference}, {@code prompt} or {@code reward}
 * @param tokenizerFingerprint {@code Tokenizer.fingerprint()} of the tokenizer that made the ids
 * @param templateFingerprint fingerprint of the chat template, empty when none was used
 * @param vocabularySize ids are below this
 * @param sequenceLength the longest row, in tokens
 * @param seed the seed of shuffling and splitting
 * @param options every option of the preparation that can change a byte of the output, as text
 * @param splits by name ({@code train}, {@code validation})
 * @param recordsRead records seen in all sources
 * @param rejects rejected records by reason
 * @param sources the input files
 * @param specFingerprint fingerprint of sources, options and tokenizer together: equal means
 *     "already prepared"
 * @param counters what stages counted, by name: texts changed, rules broken, personal data masked,
 *     pairs made
 * @param scores what scores were normalized by: of all together under {@link #ALL_SCORES}, then by
 *     group
 * @param model where the tokenizer was, as the preparation found it; null in older manifests
 * @param quarantined input files that could not be read to their end
 * @param version which version of the dataset it is; null for one without versions
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record DatasetManifest(
    @JsonProperty("schema_version") int schemaVersion,
    @JsonProperty("kind") String kind,
    @JsonProperty("tokenizer_fingerprint") String tokenizerFingerprint,
    @JsonProperty("template_fingerprint") String templateFingerprint,
    @JsonProperty("vocabulary_size") int vocabularySize,
    @JsonProperty("sequence_length") int sequenceLength,
    @JsonProperty("seed") long seed,
    @JsonProperty("options") Map<String, String> options,
    @JsonProperty("splits") Map<String, Split> splits,
    @JsonProperty("records_read") long recordsRead,
    @JsonProperty("rejects") Map<String, Long> rejects,
    @JsonProperty("sources") List<Source> sources,
    @JsonProperty("spec_fingerprint") String specFingerprint,
    @JsonProperty("counters") @JsonInclude(JsonInclude.Include.NON_EMPTY)
        Map<String, Long> counters,
    @JsonProperty("scores") @JsonInclude(JsonInclude.Include.NON_EMPTY) Map<String, Scores> scores,
    @JsonProperty("model") @JsonInclude(JsonInclude.Include.NON_NULL) String model,
    @JsonProperty("quarantined") @JsonInclude(JsonInclude.Include.NON_EMPTY)
        List<Quarantined> quarantined,
    @JsonProperty("version") @JsonInclude(JsonInclude.Include.NON_NULL) Version version) {

  /** Older manifests count nothing. */
  public DatasetManifest {
    counters = counters == null ? Map.of() : counters;
    scores = scores == null ? Map.of() : scores;
    quarantined = quarantined == null ? List.of() : quarantined;
  }

  /** A dataset whose stages counted nothing. */
  public DatasetManifest(
      int schemaVersion,
      String kind,
      String tokenizerFingerprint,
      String templateFingerprint,
      int vocabularySize,
      int sequenceLength,
      long seed,
      Map<String, String> options,
      Map<String, Split> splits,
      long recordsRead,
      Map<String, Long> rejects,
      List<Source> sources,
      String specFingerprint) {
    this(
        schemaVersion,
        kind,
        tokenizerFingerprint,
        templateFingerprint,
        vocabularySize,
        sequenceLength,
        seed,
        options,
        splits,
        recordsRead,
        rejects,
        sources,
        specFingerprint,
        Map.of(),
        Map.of(),
        null,
        List.of(),
        null);
  }

  /** The name of the file inside a dataset folder. */
  public static final String FILE_NAME = "_manifest.json";

  /** The name of all scores together. */
  public static final String ALL_SCORES = "*";

  /** The version this code writes and the newest it reads. */
  public static final int SCHEMA_VERSION = 1;

  /**
   * One split.
   *
   * @param parts the Parquet files in reading order
   * @param documents documents in it
   * @param rows packed rows in it
   * @param tokens tokens in it
   * @param lossTokens tokens that carry loss
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Split(
      @JsonProperty("parts") List<Part> parts,
      @JsonProperty("documents") long documents,
      @JsonProperty("rows") long rows,
      @JsonProperty("tokens") long tokens,
      @JsonProperty("loss_tokens") long lossTokens) {}

  /**
   * One Parquet file.
   *
   * @param path relative to the dataset folder
   * @param rows rows in it
   * @param bytes its size
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Part(
      @JsonProperty("path") String path,
      @JsonProperty("rows") long rows,
      @JsonProperty("bytes") long bytes) {}

  /**
   * One input file.
   *
   * @param path as it was resolved
   * @param bytes its size
   * @param modified its modification time in milliseconds since 1970
   * @param format container: {@code jsonl}, {@code json}, {@code parquet}
   * @param schema record schema: {@code text}, {@code alpaca}, {@code sharegpt}, {@code messages},
   *     {@code tokens}
   * @param content fingerprint of its bytes; only in datasets with versions
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Source(
      @JsonProperty("path") String path,
      @JsonProperty("bytes") long bytes,
      @JsonProperty("modified") long modified,
      @JsonProperty("format") String format,
      @JsonProperty("schema") String schema,
      @JsonProperty("content") @JsonInclude(JsonInclude.Include.NON_NULL) String content) {}

  /**
   * An input file that could not be read to its end.
   *
   * @param path as it was resolved
   * @param reason what is wrong with it
   * @param records read before the damage; they are in the dataset
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Quarantined(
      @JsonProperty("path") String path,
      @JsonProperty("reason") String reason,
      @JsonProperty("records") long records) {}

  /**
   * Which version of a dataset it is, and what became of the files that were there for it.
   *
   * @param number its number, from 1
   * @param first the first of the versions that belong to it, without gaps; {@code number} if it
   *     stands alone
   * @param batch the batch of a stream that made it; null if none did
   * @param duplicates files that were left out, because another has the same bytes
   * @param changed how many of the files were read before, with other bytes
   * @param time what chat templates that write the date were told: the same in all versions
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Version(
      @JsonProperty("number") int number,
      @JsonProperty("first") int first,
      @JsonProperty("batch") @JsonInclude(JsonInclude.Include.NON_NULL) String batch,
      @JsonProperty("duplicates") List<Duplicate> duplicates,
      @JsonProperty("changed") int changed,
      @JsonProperty("time") String time) {}

  /**
   * A file with the bytes of another.
   *
   * @param path as it was resolved
   * @param bytes its size
   * @param modified its modification time in milliseconds since 1970
   * @param sameAs the path of the other
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Duplicate(
      @JsonProperty("path") String path,
      @JsonProperty("bytes") long bytes,
      @JsonProperty("modified") long modified,
      @JsonProperty("same_as") String sameAs) {}

  /**
   * The scores of a group of records.
   *
   * @param count how many
   * @param mean their mean
   * @param standardDeviation the square root of their mean squared distance from the mean
   * @param min the lowest
   * @param max the highest
   * @param median the middle one
   * @param medianDeviation the median distance from the median
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Scores(
      @JsonProperty("count") long count,
      @JsonProperty("mean") double mean,
      @JsonProperty("standard_deviation") double standardDeviation,
      @JsonProperty("min") double min,
      @JsonProperty("max") double max,
      @JsonProperty("median") double median,
      @JsonProperty("median_deviation") double medianDeviation) {}
}
