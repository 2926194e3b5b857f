package org.sparktune.jobs.distill;

import java.io.Serializable;
import java.util.List;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.DistillOptions;
import org.sparktune.trainer.dl4j.student.ScoreClasses;
import org.sparktune.trainer.dl4j.student.StudentInputs;

/**
 * What a student is told of a document: the teacher's distribution, and a class that is the label.
 *
 * <p>The label is the class of the dataset's own score, as far above or below the mean of its kind
 * as it is; of a pair, the better one gets the higher of the classes that the teacher sees them in,
 * so that a wrong ranking is corrected; of any other document it is the teacher's own class.
 *
 * @param teacher the classes of the teacher's scores
 * @param given those of the dataset's own; null where it has none
 * @param inputs how documents are read
 */
record Curriculum(ScoreClasses teacher, ScoreClasses given, StudentInputs inputs)
    implements Serializable {

  /**
   * Looks at the scores.
   *
   * @param documents some or all, in an order that does not depend on the number of executors
   * @throws SparktuneException {@code BAD_DATA} if all scores are the same
   */
  static Curriculum of(List<LabelledDocument> documents, DistillOptions options) {
    double[] scores = documents.stream().mapToDouble(LabelledDocument::teacher).toArray();
    double[] own =
        documents.stream()
            .filter(document -> document.given() != null)
            .mapToDouble(LabelledDocument::given)
            .toArray();
    return new Curriculum(
        classes(scores, options, "The teacher gives all %d documents the score %s."),
        own.length == 0
            ? null
            : classes(own, options, "The dataset gives all %d documents the score %s."),
        new StudentInputs(options.student().maxTokens()));
  }

  private static ScoreClasses classes(double[] scores, DistillOptions options, String same) {
    double sum = 0;
    for (double score : scores) {
      sum += score;
    }
    double mean = sum / scores.length;
    double squares = 0;
    for (double score : scores) {
      squares += (score - mean) * (score - mean);
    }
    double deviation = Math.sqrt(squares / scores.length);
    if (!(deviation > 1e-6 * Math.max(1, Math.abs(mean)))) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          same.formatted(scores.length, mean),
          "There is nothing to learn from equal scores: look at the reward model and the data.");
    }
    return new ScoreClasses(mean, deviation, options.range(), options.classes());
  }

  /** The class that a document's label is. */
  int label(LabelledDocument document) {
    int own = teacher.classOf(document.teacher());
    if (document.given() != null) {
      return given.classOf(document.given());
    }
    return switch (document.role()) {
      case SINGLE -> own;
      case CHOSEN -> Math.max(own, teacher.classOf(document.other()));
      case REJECTED -> Math.min(own, teacher.classOf(document.other()));
    };
  }

  MultiDataSet example(LabelledDocument document) {
    return inputs.example(document.ids(), label(document), teacher.logits(document.teacher()));
  }
}
