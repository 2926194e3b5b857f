package org.sparktune.trainer.checkpoint;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import org.sparktune.trainer.collective.Slices;

/**
 * {@code state.json}: what makes a folder a checkpoint. It is written last and names everything
 * that belongs to it, so a file that it does not name does not count.
 *
 * @param formatVersion {@link #FORMAT_VERSION} when this version wrote it
 * @param step optimizer steps made
 * @param validationLoss of the parameters after this step; null when they were not evaluated
 * @param ranks how many wrote it
 * @param state the run's own
 * @param identity all that decides the result's bits, by name
 * @param layout the parameters' names and shapes in order
 * @param vectors the flat vectors, such as {@code parameters} and {@code exp_avg}
 * @param parts one file for every rank that holds something
 * @param files copies of the run's own files
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record Manifest(
    @JsonProperty int formatVersion,
    @JsonProperty long step,
    @JsonProperty Double validationLoss,
    @JsonProperty int ranks,
    @JsonProperty JsonNode state,
    @JsonProperty SortedMap<String, String> identity,
    @JsonProperty List<RunDescription.Parameter> layout,
    @JsonProperty List<Vector> vectors,
    @JsonProperty List<Part> parts,
    @JsonProperty List<StoredFile> files) {

  /** Version 1 held whole vectors, written by one rank. */
  static final int FORMAT_VERSION = 2;

  /** A flat vector of {@code length} F32 elements. */
  record Vector(@JsonProperty("name") String name, @JsonProperty("length") long length) {}

  /**
   * What one rank wrote.
   *
   * @param file its name in the folder
   * @param bytes its size
   * @param crc32c of the whole file
   * @param dataOffset where the first range's values begin; the others follow without gaps
   * @param ranges in the file's order
   */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  record Part(
      @JsonProperty String file,
      @JsonProperty long bytes,
      @JsonProperty String crc32c,
      @JsonProperty long dataOffset,
      @JsonProperty List<StoredRange> ranges) {}

  /**
   * Consecutive elements of a vector, with the checksum of their little-endian bytes.
   *
   * @param vector its name
   * @param from first element
   * @param to one past the last
   */
  record StoredRange(
      @JsonProperty("vector") String vector,
      @JsonProperty("from") long from,
      @JsonProperty("to") long to,
      @JsonProperty("crc32c") String crc32c) {

    Slices.Range range() {
      return new Slices.Range(from, to);
    }

    long bytes() {
      return (to - from) * Float.BYTES;
    }
  }

  /** A copy of one of the run's files, such as {@code metrics.jsonl}, at this step. */
  record StoredFile(
      @JsonProperty("file") String file,
      @JsonProperty("bytes") long bytes,
      @JsonProperty("crc32c") String crc32c) {}

  /** What a run must have in common with this checkpoint. */
  RunDescription description() {
    return new RunDescription(identity, layout);
  }

  Snapshot snapshot() {
    return new Snapshot(step, validationLoss, state);
  }

  /** What is missing of a vector, or there twice; empty when its ranges cover it exactly. */
  String gaps() {
    for (Vector vector : vectors) {
      List<StoredRange> ranges = new ArrayList<>();
      for (Part part : parts) {
        for (StoredRange range : part.ranges()) {
          if (range.vector().equals(vector.name()) && range.from() < range.to()) {
            ranges.add(range);
          }
        }
      }
      ranges.sort(Comparator.comparingLong(StoredRange::from));
      long covered = 0;
      for (StoredRange range : ranges) {
        if (range.from() != covered) {
          break;
        }
        covered = range.to();
      }
      if (covered != vector.length() || (!ranges.isEmpty() && last(ranges).to() != covered)) {
        return "its ranges of %s cover %d of %d elements without a gap or an overlap"
            .formatted(vector.name(), covered, vector.length());
      }
    }
    return "";
  }

  private static StoredRange last(List<StoredRange> ranges) {
    return ranges.get(ranges.size() - 1);
  }
}
