package org.sparktune.pipeline.clean;

import java.util.List;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleStage;
import org.sparktune.pipeline.sample.SampleTexts;

/** Keeps records whose text every filter finds good; token ids are not judged. */
final class FilterStage implements SampleStage {
  private final List<TextFilter> filters;

  FilterStage(List<TextFilter> filters) {
    this.filters = filters;
  }

  @Override
  public Sample apply(Sample sample, Counters counters) throws RejectException {
    for (String document : SampleTexts.documents(sample)) {
      for (TextFilter filter : filters) {
        filter.check(document, counters);
      }
    }
    return sample;
  }
}
