package org.sparktune.pipeline.deduplicate;

import java.io.Serializable;
import org.sparktune.pipeline.sample.RejectReason;

/**
 * That a record is to be left out.
 *
 * @param id the record, see {@link RecordId}
 * @param duplicateOf the record that stays in its place; a known one where an earlier dataset has
 *     it
 * @param near whether it is only nearly the same
 */
public record Verdict(long id, long duplicateOf, boolean near) implements Serializable {

  /** Why it is left out. */
  public RejectReason reason() {
    if (RecordId.isKnown(duplicateOf)) {
      return RejectReason.KNOWN;
    }
    return near ? RejectReason.NEAR_DUPLICATE : RejectReason.DUPLICATE;
  }
}
