package org.sparktune.jobs.training;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How near a student is to its teacher.
 *
 * @param correlation Pearson's coefficient of their scores; 0 where one of them is constant
 * @param meanDistance the mean of how far their scores of a document are apart
 * @param pairAgreement the share of pairs that both rank alike; null where there are none
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record TeacherAgreement(
    @JsonProperty("correlation") double correlation,
    @JsonProperty("mean_distance") double meanDistance,
    @JsonProperty("pair_agreement") Double pairAgreement) {

  /** Compares what both say of the same documents. */
  public static TeacherAgreement of(RewardEvaluation student, RewardEvaluation teacher) {
    List<double[]> scores = new ArrayList<>();
    int pairs = 0;
    int agreed = 0;
    for (int i = 0; i < student.samples().size(); i++) {
      if (student.samples().get(i) instanceof RewardEvaluation.Pair pair) {
        RewardEvaluation.Pair other = (RewardEvaluation.Pair) teacher.samples().get(i);
        scores.add(new double[] {pair.chosen(), other.chosen()});
        scores.add(new double[] {pair.rejected(), other.rejected()});
        pairs++;
        agreed += pair.ranked() == other.ranked() ? 1 : 0;
      } else {
        RewardEvaluation.Single one = (RewardEvaluation.Single) student.samples().get(i);
        RewardEvaluation.Single other = (RewardEvaluation.Single) teacher.samples().get(i);
        scores.add(new double[] {one.score(), other.score()});
      }
    }
    double distance = 0;
    double squares = 0;
    double teacherSquares = 0;
    double products = 0;
    for (double[] score : scores) {
      double above = score[0] - student.score();
      double teacherAbove = score[1] - teacher.score();
      distance += Math.abs(score[0] - score[1]);
      squares += above * above;
      teacherSquares += teacherAbove * teacherAbove;
      products += above * teacherAbove;
    }
    double scale = Math.sqrt(squares * teacherSquares);
    return new TeacherAgreement(
        scale > 0 ? products / scale : 0,
        distance / scores.size(),
        pairs == 0 ? null : (double) agreed / pairs);
  }

  /** By name. */
  public Map<String, Object> summary() {
    Map<String, Object> summary = new LinkedHashMap<>();
    summary.put("correlation", correlation);
    summary.put("mean_distance", meanDistance);
    if (pairAgreement != null) {
      summary.put("pair_agreement", pairAgreement);
    }
    return summary;
  }
}
