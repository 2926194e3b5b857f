package org.sparktune.trainer.dl4j.student;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.sparktune.trainer.model.ReferenceTensors;
import org.sparktune.trainer.objective.distill.DistillationLoss;

class DistillationLossFunctionTest {
  private static final IActivation SOFTMAX = Activation.SOFTMAX.getActivationFunction();

  @Test
  void shouldEqualTorch() {
    ReferenceTensors reference =
        ReferenceTensors.open(Path.of("src/test/resources/reference/hf/distill.safetensors"));
    int rows = 5;
    int classes = 7;
    int[] classOf = reference.ints("labels");
    float[] teacher = reference.floats("teacher");
    float[][] labels = new float[rows][1 + classes];
    for (int row = 0; row < rows; row++) {
      labels[row][0] = classOf[row];
      System.arraycopy(teacher, row * classes, labels[row], 1, classes);
    }
    INDArray wanted = Nd4j.createFromArray(labels);
    INDArray logits = Nd4j.createFromArray(reference.floats("student")).reshape(rows, classes);
    DistillationLossFunction loss = new DistillationLossFunction(new DistillationLoss(0.5));
    double expected = reference.floats("loss")[0];
    assertEquals(expected, loss.computeScore(wanted, logits, SOFTMAX, null, true), 1e-6);
    assertEquals(rows * expected, loss.computeScore(wanted, logits, SOFTMAX, null, false), 1e-5);
    assertEquals(
        rows * expected,
        loss.computeScoreArray(wanted, logits, SOFTMAX, null).sumNumber().doubleValue(),
        1e-5);
    // DL4J's gradient is the sum over examples, torch's here the mean.
    INDArray gradient = loss.computeGradient(wanted, logits, SOFTMAX, null).div(rows);
    assertArrayEquals(reference.floats("grad"), gradient.ravel().toFloatVector(), 1e-7f);
    assertEquals(
        gradient.mul(rows),
        loss.computeGradientAndScore(wanted, logits, SOFTMAX, null, false).getSecond());
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 0.5", "3, 2, 1", "13, 15, 3", "4, 7, 0.3"})
  void shouldHaveTheGradientOfItsScore(int rows, int classes, double temperature) {
    Random random = new Random(rows);
    float[][] logits = new float[rows][classes];
    float[][] labels = new float[rows][1 + classes];
    for (int row = 0; row < rows; row++) {
      labels[row][0] = random.nextInt(classes);
      for (int c = 0; c < classes; c++) {
        logits[row][c] = (float) random.nextGaussian();
        labels[row][1 + c] = (float) random.nextGaussian();
      }
    }
    INDArray wanted = Nd4j.createFromArray(labels);
    DistillationLossFunction loss =
        new DistillationLossFunction(new DistillationLoss(0.7, temperature));
    float[][] gradient =
        loss.computeGradient(wanted, Nd4j.createFromArray(logits), SOFTMAX, null).toFloatMatrix();
    float step = 1e-2f;
    for (int row = 0; row < rows; row++) {
      for (int c = 0; c < classes; c++) {
        float value = logits[row][c];
        logits[row][c] = value + step;
        double above =
            loss.computeScore(wanted, Nd4j.createFromArray(logits), SOFTMAX, null, false);
        logits[row][c] = value - step;
        double below =
            loss.computeScore(wanted, Nd4j.createFromArray(logits), SOFTMAX, null, false);
        logits[row][c] = value;
        assertEquals((above - below) / (2 * step), gradient[row][c], 2e-3);
      }
    }
  }

  @Test
  void shouldRefuseLabelsOfAnotherShape() {
    DistillationLossFunction loss = new DistillationLossFunction(new DistillationLoss(0.5));
    INDArray logits = Nd4j.zeros(2, 3);
    INDArray labels = Nd4j.zeros(2, 3);
    assertThrows(
        IllegalArgumentException.class,
        () -> loss.computeScore(labels, logits, SOFTMAX, null, true));
  }
}
