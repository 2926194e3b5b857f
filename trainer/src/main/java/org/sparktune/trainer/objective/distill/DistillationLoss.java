package org.sparktune.trainer.objective.distill;

/**
 * {@code CE(label, student) + λ·T²·KL(teacher/T ‖ student/T)} over rows of logits, each term a mean
 * over the rows (Hinton et al. 2015: with T² the gradient of a soft target is about as large at any
 * temperature).
 *
 * @param weight λ
 * @param temperature T, what both distributions' logits are divided by
 */
public record DistillationLoss(double weight, double temperature) {

  /** Checks the options. */
  public DistillationLoss {
    if (!(weight >= 0)) {
      throw new IllegalArgumentException("The weight of KL must be at least 0, not " + weight);
    }
    if (!(temperature > 0)) {
      throw new IllegalArgumentException("The temperature must be above 0, not " + temperature);
    }
  }

  /** Without a temperature. */
  public DistillationLoss(double weight) {
    this(weight, 1);
  }

  /**
   * A batch's loss.
   *
   * @param crossEntropy mean over the rows
   * @param divergence mean T²·KL(teacher/T ‖ student/T) over the rows
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
      double hardNorm = logSumExp(student, first, classes, 1);
      double studentNorm = logSumExp(student, first, classes, temperature);
      double teacherNorm = logSumExp(teacher, first, classes, temperature);
      crossEntropy += hardNorm - student[first + labels[row]];
      for (int c = first; c < first + classes; c++) {
        double studentLog = student[c] / temperature - studentNorm;
        double teacherLog = teacher[c] / temperature - teacherNorm;
        double softened = Math.exp(studentLog);
        double wanted = Math.exp(teacherLog);
        if (wanted > 0) {
          divergence += wanted * (teacherLog - studentLog);
        }
        double hard = Math.exp(student[c] - hardNorm) - (c == first + labels[row] ? 1 : 0);
        dStudent[c] = (float) ((hard + weight * temperature * (softened - wanted)) / rows);
      }
    }
    crossEntropy /= rows;
    divergence *= temperature * temperature / rows;
    return new Value(crossEntropy, divergence, crossEntropy + weight * divergence);
  }

  private static double logSumExp(float[] logits, int first, int count, double temperature) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = first; i < first + count; i++) {
      max = Math.max(max, logits[i] / temperature);
    }
    double sum = 0;
    for (int i = first; i < first + count; i++) {
      sum += Math.exp(logits[i] / temperature - max);
    }
    return max + Math.log(sum);
  }
}
