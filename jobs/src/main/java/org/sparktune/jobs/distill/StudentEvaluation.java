package org.sparktune.jobs.distill;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparktune.jobs.distill.LabelledDocument.Role;
import org.sparktune.trainer.dl4j.student.Student;
import org.sparktune.trainer.objective.distill.DistillationLoss;

/** How near a student is to its teacher on documents that are held here. */
final class StudentEvaluation {
  /** A probability that rounds to 0 has a logarithm all the same. */
  private static final float SMALLEST = Float.MIN_NORMAL;

  private final Curriculum curriculum;
  private final DistillationLoss loss;
  private final List<LabelledDocument> documents;
  private final int batchSize;

  /**
   * @param documents in a fixed order; of a pair, both one after the other
   */
  StudentEvaluation(
      Curriculum curriculum,
      DistillationLoss loss,
      List<LabelledDocument> documents,
      int batchSize) {
    this.curriculum = curriculum;
    this.loss = loss;
    this.documents = documents;
    this.batchSize = batchSize;
  }

  /**
   * The figures.
   *
   * @return {@code loss}, {@code ce}, {@code kl}, {@code accuracy} (the likeliest class is the
   *     label), {@code agreement} (it is the teacher's), {@code correlation} (of both scores) and,
   *     of pairs, {@code pair_accuracy} (ranked as given) and {@code pair_agreement} (as the
   *     teacher ranks them)
   */
  Map<String, Double> figures(Student student) {
    double[] scores = new double[documents.size()];
    int classes = curriculum.teacher().count();
    float[] unused = new float[classes];
    double crossEntropy = 0;
    double divergence = 0;
    int right = 0;
    int agreed = 0;
    for (int from = 0; from < scores.length; from += batchSize) {
      int to = Math.min(scores.length, from + batchSize);
      List<int[]> batch = new ArrayList<>();
      documents.subList(from, to).forEach(document -> batch.add(document.ids()));
      float[][] probabilities = student.probabilities(batch);
      for (int i = from; i < to; i++) {
        LabelledDocument document = documents.get(i);
        float[] found = probabilities[i - from];
        int label = curriculum.label(document);
        DistillationLoss.Value value =
            loss.of(
                logarithms(found),
                curriculum.teacher().logits(document.teacher()),
                new int[] {label},
                classes,
                unused);
        crossEntropy += value.crossEntropy();
        divergence += value.divergence();
        int likeliest = likeliest(found);
        right += likeliest == label ? 1 : 0;
        agreed += likeliest == curriculum.teacher().classOf(document.teacher()) ? 1 : 0;
        scores[i] = curriculum.teacher().score(found);
      }
    }
    Map<String, Double> figures = new LinkedHashMap<>();
    figures.put("loss", (crossEntropy + loss.weight() * divergence) / scores.length);
    figures.put("ce", crossEntropy / scores.length);
    figures.put("kl", divergence / scores.length);
    figures.put("accuracy", (double) right / scores.length);
    figures.put("agreement", (double) agreed / scores.length);
    figures.put("correlation", correlation(scores));
    addPairs(figures, scores);
    return figures;
  }

  private void addPairs(Map<String, Double> figures, double[] scores) {
    int pairs = 0;
    int ranked = 0;
    int agreed = 0;
    for (int i = 0; i < scores.length; i++) {
      LabelledDocument document = documents.get(i);
      if (document.role() == Role.CHOSEN) {
        pairs++;
        boolean better = scores[i] > scores[i + 1];
        ranked += better ? 1 : 0;
        agreed += better == document.teacher() > document.other() ? 1 : 0;
      }
    }
    if (pairs > 0) {
      figures.put("pair_accuracy", (double) ranked / pairs);
      figures.put("pair_agreement", (double) agreed / pairs);
    }
  }

  /** Pearson's coefficient of the student's scores and the teacher's; 0 where one is constant. */
  private double correlation(double[] scores) {
    double mean = 0;
    double teacherMean = 0;
    for (int i = 0; i < scores.length; i++) {
      mean += scores[i] / scores.length;
      teacherMean += documents.get(i).teacher() / (double) scores.length;
    }
    double squares = 0;
    double teacherSquares = 0;
    double products = 0;
    for (int i = 0; i < scores.length; i++) {
      double distance = scores[i] - mean;
      double teacherDistance = documents.get(i).teacher() - teacherMean;
      squares += distance * distance;
      teacherSquares += teacherDistance * teacherDistance;
      products += distance * teacherDistance;
    }
    double scale = Math.sqrt(squares * teacherSquares);
    return scale > 0 ? products / scale : 0;
  }

  private static float[] logarithms(float[] probabilities) {
    float[] logarithms = new float[probabilities.length];
    for (int i = 0; i < logarithms.length; i++) {
      logarithms[i] = (float) Math.log(Math.max(SMALLEST, probabilities[i]));
    }
    return logarithms;
  }

  private static int likeliest(float[] probabilities) {
    int likeliest = 0;
    for (int i = 1; i < probabilities.length; i++) {
      likeliest = probabilities[i] > probabilities[likeliest] ? i : likeliest;
    }
    return likeliest;
  }
}
