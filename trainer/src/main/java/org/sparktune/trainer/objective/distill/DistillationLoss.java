package org.sparktune.trainer.objective.distill;

/**
 * {@code CE(label, student) + λ·KL(teacher ‖ student)} over rows of logits, each term a mean over
 * the rows (Hinton et al. 2015, without their temperature).
 *
 * @param weight λ
 */
public record DistillationLoss(double weight) {

  /** Checks the option. */
  public DistillationLoss {
    if (!(weight >= 0)) {
      throw new IllegalArgumentException("The weight of KL must be at least 0, not " + weight);
    }
  }

  /**
   * A batch's loss.
   *
   * @param crossEntropy mean over the rows
   * @param divergence mean KL(teacher ‖ student) over the rows
   * @param loss crossEntropy + λ·divergence
   */
  public record Value(double crossEntropy, double divergence, double loss) {}

  /**
   * Computes the loss and its gradient.
   *
   * @param student {@code (N, V)} logits
   * @param teacher {@code (N, V)} logits
   * @param labels N classes
   * @param classes V
   * @param dStudent {@code (N, V)}, overwritten
   */
  public Value of(float[] student, float[] teacher, int[] labels, int classes, float[] dStudent) {
    int rows = labels.length;
    if (rows == 0 || student.length != rows * classes || teacher.length != student.length) {
      throw new IllegalArgumentException(
          "%d labels of %d classes beside %d student and %d teacher logits"
              .formatted(rows, classes, student.length, teacher.length));
    }
    double crossEntropy = 0;
    double divergence = 0;
    for (int row = 0; row < rows; row++) {
      int first = row * classes;
      double studentNorm = logSumExp(student, first, classes);
      double teacherNorm = logSumExp(teacher, first, classes);
      crossEntropy += studentNorm - student[first + labels[row]];
      for (int c = 0; c < classes; c++) {
        double studentLog = student[first + c] - studentNorm;
        double teacherLog = teacher[first + c] - teacherNorm;
        double p = Math.exp(studentLog);
        double q = Math.exp(teacherLog);
        if (q > 0) {
          divergence += q * (teacherLog - studentLog);
        }
        double hard = c == labels[row] ? 1 : 0;
        dStudent[first + c] = (float) ((p - hard + weight * (p - q)) / rows);
      }
    }
    crossEntropy /= rows;
    divergence /= rows;
    return new Value(crossEntropy, divergence, crossEntropy + weight * divergence);
  }

  private static double logSumExp(float[] logits, int first, int count) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = first; i < first + count; i++) {
      max = Math.max(max, logits[i]);
    }
    double sum = 0;
    for (int i = first; i < first + count; i++) {
      sum += Math.exp(logits[i] - max);
    }
    return max + Math.log(sum);
  }
}
