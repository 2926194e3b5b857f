package org.sparktune.pipeline.prepare;

import java.util.List;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RecordReader;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleStage;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.RawRecord;

/** The stages from a raw record to one that can be tokenized: validate → clean → decontaminate. */
final class RecordStages {
  private final RecordReader validate;
  private final List<SampleStage> stages;

  RecordStages(Piece piece, Curation curation) {
    this.validate =
        new RecordReader(piece.file().schema(), piece.file().columns(), curation.dataset().kind());
    this.stages = curation.stages();
  }

  /**
   * The record after all stages.
   *
   * @throws RejectException when one of them refuses it
   */
  Sample apply(RawRecord record, Counters counters) throws RejectException {
    if (record.problem() != null) {
      throw record.problem();
    }
    Sample sample = validate.read(record.value());
    for (SampleStage stage : stages) {
      sample = stage.apply(sample, counters);
    }
    return sample;
  }
}
