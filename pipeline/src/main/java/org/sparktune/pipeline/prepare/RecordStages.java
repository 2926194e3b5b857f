package org.sparktune.pipeline.prepare;

import java.util.List;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RecordReader;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleStage;
import org.sparktune.pipeline.source.RawRecord;
import org.sparktune.pipeline.source.SourceFile;
import org.sparktune.pipeline.spec.DatasetOptions;

/** The stages from a raw record to one that can be tokenized: validate → clean → decontaminate. */
public final class RecordStages {
  private final RecordReader validate;
  private final List<SampleStage> stages;

  RecordStages(SourceFile file, Curation curation) {
    this.validate = new RecordReader(file.schema(), file.columns(), curation.dataset().kind());
    this.stages = curation.stages();
  }

  /**
   * The stages for files, for a look at what a preparation would do.
   *
   * @param configuration says how file systems are reached
   */
  public static Function<SourceFile, RecordStages> of(
      DatasetOptions dataset, Configuration configuration) {
    Curation curation =
        Curation.of(dataset, PrepareOptions.DEFAULT_MAXIMUM_LINE_BYTES, configuration);
    return file -> new RecordStages(file, curation);
  }

  /**
   * The record after all stages.
   *
   * @throws RejectException when one of them refuses it
   */
  public Sample apply(RawRecord record, Counters counters) throws RejectException {
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
