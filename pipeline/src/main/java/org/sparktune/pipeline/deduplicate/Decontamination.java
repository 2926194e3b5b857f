package org.sparktune.pipeline.deduplicate;

import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.RejectReason;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleStage;
import org.sparktune.pipeline.sample.SampleTexts;
import org.sparktune.pipeline.text.Words;

/**
 * Refuses records of which a run of words stands in an evaluation set, or which hold a text of it
 * that is shorter than a run. Token ids pass unseen.
 */
public final class Decontamination implements SampleStage {
  private final EvaluationNgrams evaluation;

  /**
   * @param evaluation what must not be learnt
   */
  public Decontamination(EvaluationNgrams evaluation) {
    this.evaluation = evaluation;
  }

  @Override
  public Sample apply(Sample sample, Counters counters) throws RejectException {
    for (String text : SampleTexts.texts(sample)) {
      Words words = Words.of(text);
      long[] runs = words.runs(evaluation.ngram());
      for (int i = 0; i < runs.length; i++) {
        if (evaluation.contains(runs[i])) {
          throw new RejectException(
              RejectReason.CONTAMINATED,
              "it shares the %d words from word %d on with an evaluation set"
                  .formatted(Math.min(words.count(), evaluation.ngram()), i + 1));
        }
      }
    }
    return sample;
  }
}
