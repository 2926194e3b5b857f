package org.sparktune.pipeline.prepare;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RecordReader;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.RejectReason;
import org.sparktune.pipeline.sample.ResponseReader;
import org.sparktune.pipeline.sample.ResponseSet;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleStage;
import org.sparktune.pipeline.source.RawRecord;
import org.sparktune.pipeline.source.SourceFile;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;

/** The stages from a raw record to one that can be tokenized: validate → clean → decontaminate. */
public final class RecordStages {
  private final RecordReader validate;
  private final ResponseReader responses;
  private final List<SampleStage> stages;
  private final boolean scored;

  RecordStages(SourceFile file, Curation curation) {
    DatasetOptions dataset = curation.dataset();
    // What pairs are made of is no pair yet.
    Kind kind = dataset.pairs().active() ? Kind.SFT : dataset.kind();
    this.validate = new RecordReader(file.schema(), file.columns(), kind);
    this.responses = new ResponseReader(file.schema(), file.columns());
    this.stages = curation.stages();
    this.scored = dataset.pairs().active() || dataset.kind() == Kind.REWARD;
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
    return clean(validate.read(record.value()), counters);
  }

  /**
   * All that a record may become, after all stages: itself, or the responses that it holds.
   *
   * @throws RejectException when one of them is refused
   */
  public List<Sample> samples(RawRecord record, Counters counters) throws RejectException {
    if (!scored) {
      return List.of(apply(record, counters));
    }
    List<Sample> samples = new ArrayList<>();
    for (ResponseSet.Response response : responses(record).responses()) {
      samples.add(clean(response.sample(), counters));
    }
    return samples;
  }

  /** A sample after the stages that change it. */
  Sample clean(Sample sample, Counters counters) throws RejectException {
    Sample cleaned = sample;
    for (SampleStage stage : stages) {
      cleaned = stage.apply(cleaned, counters);
    }
    return cleaned;
  }

  /** The record's responses with their scores, not yet cleaned. */
  ResponseSet responses(RawRecord record) throws RejectException {
    if (record.problem() != null) {
      throw record.problem();
    }
    return responses.read(record.value());
  }

  /** The same of a record that can be compared with others. */
  ResponseSet pairable(RawRecord record) throws RejectException {
    ResponseSet set = responses(record);
    if (!set.hasPrompt()) {
      throw new RejectException(
          RejectReason.MISSING_FIELD, "it has no prompt that other responses could share");
    }
    return set;
  }
}
