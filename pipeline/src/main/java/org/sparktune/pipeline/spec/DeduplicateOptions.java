package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.List;

/**
 * Which records are duplicates of others. Of several that say the same, the first in the order of
 * the sources stays.
 *
 * @param exact whether records with the same text, but for case and blanks, are duplicates
 * @param fuzzy whether records with nearly the same text are duplicates too
 * @param threshold the similarity (Jaccard, over runs of words) from which texts are nearly the
 *     same
 * @param permutations hash functions of a MinHash signature (Broder 1997): more find the similarity
 *     more exactly
 * @param ngram words of a run
 * @param against folders of earlier datasets; what they hold is a duplicate
 * @param fingerprints whether the dataset gets the fingerprints that a later one needs to be held
 *     against it
 * @param versions whether what earlier versions of the same dataset hold is a duplicate
 */
public record DeduplicateOptions(
    boolean exact,
    boolean fuzzy,
    double threshold,
    int permutations,
    int ngram,
    List<String> against,
    boolean fingerprints,
    boolean versions)
    implements Serializable {
  /** Where nothing else is asked for. */
  public static final double DEFAULT_THRESHOLD = 0.8;

  /** Where nothing else is asked for. */
  public static final int DEFAULT_PERMUTATIONS = 128;

  /** Where nothing else is asked for. */
  public static final int DEFAULT_NGRAM = 5;

  /** Of a dataset without versions. */
  public DeduplicateOptions(
      boolean exact,
      boolean fuzzy,
      double threshold,
      int permutations,
      int ngram,
      List<String> against,
      boolean fingerprints) {
    this(exact, fuzzy, threshold, permutations, ngram, against, fingerprints, false);
  }

  /** The same, held against other datasets, and ready for later ones. */
  public DeduplicateOptions withAgainst(List<String> others) {
    return new DeduplicateOptions(
        exact, fuzzy, threshold, permutations, ngram, others, true, versions);
  }

  /** Duplicates stay. */
  public static final DeduplicateOptions NONE =
      new DeduplicateOptions(
          false, false, DEFAULT_THRESHOLD, DEFAULT_PERMUTATIONS, DEFAULT_NGRAM, List.of(), false);

  /** Whether anything is to be done. */
  public boolean active() {
    return exact || fuzzy;
  }
}
