package org.sparktune.pipeline.clean;

import java.util.List;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleStage;
import org.sparktune.pipeline.sample.SampleTexts;
import org.sparktune.pipeline.spec.CleanOptions.PersonalData;

/** Masks personal data in every text of a record, those inside tool calls too. */
final class MaskStage implements SampleStage {
  private final PersonalDataMask mask;

  MaskStage(List<PersonalData> kinds) {
    this.mask = new PersonalDataMask(kinds);
  }

  @Override
  public Sample apply(Sample sample, Counters counters) {
    return SampleTexts.map(
        sample,
        new SampleTexts.Change() {
          @Override
          public String content(String text) {
            return mask.mask(text, counters);
          }

          @Override
          public String copy(String text) {
            return mask.mask(text, new Counters());
          }

          @Override
          public String argument(String text) {
            return mask.mask(text, counters);
          }
        });
  }
}
