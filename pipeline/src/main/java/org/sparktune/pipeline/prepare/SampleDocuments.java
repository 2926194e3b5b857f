package org.sparktune.pipeline.prepare;

import org.sparktune.pipeline.sample.ContentHash;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.LengthFilter;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleTokenizer;
import org.sparktune.pipeline.source.RawRecord;

/**
 * A record is a document: validate → clean → decontaminate → template and tokenize → filter.
 *
 * @param piece the number of the piece
 */
record SampleDocuments(
    int piece,
    PartLayout layout,
    RecordStages stages,
    SampleTokenizer tokenize,
    LengthFilter filter)
    implements DocumentMaker {

  @Override
  public void make(RawRecord record, Counters counters, Out out) throws RejectException {
    Sample sample = stages.apply(record, counters);
    out.document(
        layout.place(ContentHash.of(sample), piece, record.line()),
        filter.apply(tokenize.tokenize(sample)));
  }
}
