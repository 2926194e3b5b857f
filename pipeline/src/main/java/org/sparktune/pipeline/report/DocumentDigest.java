package org.sparktune.pipeline.report;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.sparktune.pipeline.sample.ContentHash;
import org.sparktune.pipeline.sample.Document;

/**
 * A bounded summary of documents: histograms, and the few whose hashes are the lowest as samples.
 * The summary of all is the same however they were divided.
 */
public final class DocumentDigest implements Serializable {
  private static final long serialVersionUID = 1L;

  private static final int SAMPLES = 6;
  private static final int SAMPLE_TOKENS = 400;

  /**
   * The beginning of a document.
   *
   * @param hash of its tokens
   * @param ids its first tokens
   * @param lossMask 1 where they carry loss
   * @param second index of the second document's first token, 0 where there is only one
   * @param length how many tokens it has
   * @param value its score, or its margin if it is a pair
   */
  public record Sample(long hash, int[] ids, byte[] lossMask, int second, int length, float value)
      implements Serializable {}

  private final Histogram lengths = new Histogram();
  private final Histogram trained = new Histogram();
  private final Histogram values = new Histogram();
  private final List<Sample> samples = new ArrayList<>();

  /** Adds a document. */
  public void add(Document document) {
    lengths.add(document.length());
    trained.add(document.targets());
    float value = document.isPair() ? document.margin() : document.score();
    values.add(value);
    long hash = 1;
    for (int id : document.ids()) {
      hash = 31 * hash + id;
    }
    hash = ContentHash.mix(hash);
    if (samples.size() < SAMPLES || hash < samples.get(samples.size() - 1).hash()) {
      int shown = Math.min(SAMPLE_TOKENS, document.length());
      add(
          new Sample(
              hash,
              Arrays.copyOf(document.ids(), shown),
              Arrays.copyOf(document.lossMask(), shown),
              document.second(),
              document.length(),
              value));
    }
  }

  private void add(Sample sample) {
    for (Sample other : samples) {
      // The same text again shows nothing new.
      if (other.hash() == sample.hash()) {
        return;
      }
    }
    samples.add(sample);
    samples.sort(Comparator.comparingLong(Sample::hash));
    if (samples.size() > SAMPLES) {
      samples.remove(SAMPLES);
    }
  }

  /** Adds the documents of another summary. */
  public void merge(DocumentDigest other) {
    lengths.merge(other.lengths);
    trained.merge(other.trained);
    values.merge(other.values);
    other.samples.forEach(this::add);
  }

  /** Tokens of documents. */
  public Histogram lengths() {
    return lengths;
  }

  /** Tokens that carry loss, of documents. */
  public Histogram trained() {
    return trained;
  }

  /** Scores of documents, or margins of pairs; all 0 where there are none. */
  public Histogram values() {
    return values;
  }

  /** A few documents. */
  public List<Sample> samples() {
    return samples;
  }
}
