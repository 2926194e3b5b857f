package org.sparktune.pipeline.clean;

import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RejectException;

/** Judges a text. */
interface TextFilter {

  /**
   * Does nothing when the text is good.
   *
   * @param counters where the rule that is broken is counted
   * @throws RejectException when the record is not to be kept
   */
  void check(String text, Counters counters) throws RejectException;
}
