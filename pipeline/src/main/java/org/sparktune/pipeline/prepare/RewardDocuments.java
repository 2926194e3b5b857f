package org.sparktune.pipeline.prepare;

import org.sparktune.pipeline.reward.RewardScale;
import org.sparktune.pipeline.sample.ContentHash;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.Document;
import org.sparktune.pipeline.sample.LengthFilter;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.RejectReason;
import org.sparktune.pipeline.sample.ResponseSet;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleTokenizer;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.RawRecord;

/** Every response of a record is a document, with its normalized score. */
record RewardDocuments(
    Piece piece,
    PartLayout layout,
    RecordStages stages,
    Mixture mixture,
    SampleTokenizer tokenize,
    LengthFilter filter,
    RewardScale scale)
    implements DocumentMaker {

  @Override
  public void make(RawRecord record, Counters counters, Out out) throws RejectException {
    ResponseSet set = stages.responses(record);
    if (!set.comparisons().isEmpty()) {
      throw new RejectException(
          RejectReason.BAD_SCORE, "it has ranks or comparisons where scores are needed");
    }
    String source = piece.file().source();
    for (int i = 0; i < set.responses().size(); i++) {
      if (!mixture.takes(source, ContentHash.of(set.responses().get(i).sample()))) {
        counters.add(SampleDocuments.LEFT_OUT + source, 1);
        continue;
      }
      try {
        out.document(key(set, i, record.line()), document(set, i, counters));
      } catch (RejectException e) {
        out.reject(e);
      }
    }
  }

  private Document document(ResponseSet set, int index, Counters counters) throws RejectException {
    ResponseSet.Response response = set.responses().get(index);
    Sample sample = stages.clean(response.sample(), counters);
    double score = scale.normalize(piece.file().source(), set.group(), response.score());
    return filter.apply(tokenize.tokenize(sample)).withScore((float) score);
  }

  /** All responses to a prompt stand in the same split. */
  private DocumentKey key(ResponseSet set, int index, long line) {
    long hash = ContentHash.of(set.responses().get(index).sample());
    long family = set.hasPrompt() ? set.prompt() : hash;
    return layout.place(family, hash, piece.index(), line).withMember(index);
  }
}
