package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.List;

/**
 * Which records are filtered out because an evaluation set holds a part of them.
 *
 * @param against the evaluation set: files, folders or globs; every text in their records counts
 * @param ngram so many words in a row, shared with the evaluation set, are too many
 */
public record DecontaminateOptions(List<String> against, int ngram) implements Serializable {
  /** The run of words that GPT-3 was decontaminated by (Brown et al. 2020, appendix C). */
  public static final int DEFAULT_NGRAM = 13;

  /** No record is looked at. */
  public static final DecontaminateOptions NONE =
      new DecontaminateOptions(List.of(), DEFAULT_NGRAM);

  /** Whether anything is to be done. */
  public boolean active() {
    return !against.isEmpty();
  }
}
