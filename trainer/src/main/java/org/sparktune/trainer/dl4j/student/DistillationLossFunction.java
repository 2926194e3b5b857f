package org.sparktune.trainer.dl4j.student;

import java.util.Objects;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.shade.jackson.annotation.JsonProperty;
import org.sparktune.trainer.objective.distill.DistillationLoss;

/**
 * {@link DistillationLoss} as a loss of DL4J. The layer's activation has to be the softmax, which
 * the loss takes for itself.
 *
 * <p>Labels are {@code (N, 1 + V)}: in each row the class, then the teacher's V logits.
 */
public final class DistillationLossFunction implements ILossFunction {
  private static final long serialVersionUID = 1L;

  @JsonProperty private double weight;

  @JsonProperty private double temperature;

  /** For DL4J's JSON. */
  @SuppressWarnings("unused")
  private DistillationLossFunction() {}

  /** The loss. */
  public DistillationLossFunction(DistillationLoss loss) {
    this.weight = loss.weight();
    this.temperature = loss.temperature();
  }

  @Override
  public double computeScore(
      INDArray labels, INDArray preOutput, IActivation activation, INDArray mask, boolean average) {
    Row[] rows = rows(labels, preOutput, mask);
    double sum = 0;
    for (Row row : rows) {
      sum += row.loss();
    }
    return average ? sum / rows.length : sum;
  }

  @Override
  public INDArray computeScoreArray(
      INDArray labels, INDArray preOutput, IActivation activation, INDArray mask) {
    Row[] rows = rows(labels, preOutput, mask);
    float[] losses = new float[rows.length];
    for (int i = 0; i < rows.length; i++) {
      losses[i] = (float) rows[i].loss();
    }
    return Nd4j.createFromArray(losses).reshape(rows.length, 1).castTo(preOutput.dataType());
  }

  @Override
  public INDArray computeGradient(
      INDArray labels, INDArray preOutput, IActivation activation, INDArray mask) {
    return gradient(rows(labels, preOutput, mask), preOutput);
  }

  @Override
  public Pair<Double, INDArray> computeGradientAndScore(
      INDArray labels, INDArray preOutput, IActivation activation, INDArray mask, boolean average) {
    Row[] rows = rows(labels, preOutput, mask);
    double sum = 0;
    for (Row row : rows) {
      sum += row.loss();
    }
    return Pair.of(average ? sum / rows.length : sum, gradient(rows, preOutput));
  }

  @Override
  public String name() {
    return toString();
  }

  /** A document's loss with its gradient {@code (V)}. */
  private record Row(double loss, float[] gradient) {}

  /** Row by row, so that a document's loss does not depend on the others. */
  private Row[] rows(INDArray labels, INDArray preOutput, INDArray mask) {
    if (mask != null) {
      throw new IllegalArgumentException("A document has one loss, so there is nothing to mask");
    }
    int count = (int) preOutput.size(0);
    int classes = (int) preOutput.size(1);
    if (labels.size(0) != count || labels.size(1) != classes + 1) {
      throw new IllegalArgumentException(
          "Labels of shape (%d, %d) beside logits of shape (%d, %d)"
              .formatted(labels.size(0), labels.size(1), count, classes));
    }
    DistillationLoss loss = new DistillationLoss(weight, temperature);
    float[][] student = preOutput.toFloatMatrix();
    float[][] wanted = labels.toFloatMatrix();
    float[] teacher = new float[classes];
    Row[] rows = new Row[count];
    for (int i = 0; i < count; i++) {
      System.arraycopy(wanted[i], 1, teacher, 0, classes);
      float[] gradient = new float[classes];
      int[] label = {(int) wanted[i][0]};
      rows[i] = new Row(loss.of(student[i], teacher, label, classes, gradient).loss(), gradient);
    }
    return rows;
  }

  private static INDArray gradient(Row[] rows, INDArray preOutput) {
    float[][] gradient = new float[rows.length][];
    for (int i = 0; i < rows.length; i++) {
      gradient[i] = rows[i].gradient();
    }
    return Nd4j.createFromArray(gradient).castTo(preOutput.dataType());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof DistillationLossFunction same
        && same.weight == weight
        && same.temperature == temperature;
  }

  @Override
  public int hashCode() {
    return Objects.hash(weight, temperature);
  }

  @Override
  public String toString() {
    return "DistillationLoss(weight=%s, temperature=%s)".formatted(weight, temperature);
  }
}
