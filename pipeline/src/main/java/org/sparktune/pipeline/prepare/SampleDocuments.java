package org.sparktune.pipeline.prepare;

import org.sparktune.pipeline.sample.ContentHash;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.LengthFilter;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleTokenizer;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.RawRecord;

/** A record is a document: validate → clean → decontaminate → mix → template, tokenize → filter. */
record SampleDocuments(
    Piece piece,
    PartLayout layout,
    RecordStages stages,
    Mixture mixture,
    SampleTokenizer tokenize,
    LengthFilter filter)
    implements DocumentMaker {
  /** Records that were left out for the mixture, before the name of their source. */
  static final String LEFT_OUT = "mix.left_out.";

  @Override
  public void make(RawRecord record, Counters counters, Out out) throws RejectException {
    Sample sample = stages.apply(record, counters);
    long hash = ContentHash.of(sample);
    if (mixture.takes(piece.file().source(), hash)) {
      out.document(
          layout.place(hash, piece.index(), record.line()),
          filter.apply(tokenize.tokenize(sample)));
    } else {
      counters.add(LEFT_OUT + piece.file().source(), 1);
    }
  }
}
