package org.sparktune.pipeline.prepare;

import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.Document;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.source.RawRecord;

/** Makes documents of a record. */
interface DocumentMaker {

  /** Where they go. */
  interface Out {
    void document(DocumentKey key, Document document);

    /** A part of the record is refused; the rest goes on. */
    void reject(RejectException problem);
  }

  /**
   * Makes the documents of the next record.
   *
   * @throws RejectException when the record is refused as a whole
   */
  void make(RawRecord record, Counters counters, Out out) throws RejectException;
}
