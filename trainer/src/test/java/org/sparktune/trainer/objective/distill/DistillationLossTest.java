package org.sparktune.trainer.objective.distill;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.sparktune.trainer.model.ReferenceTensors;

class DistillationLossTest {

  @Test
  void shouldEqualTorch() {
    ReferenceTensors reference =
        ReferenceTensors.open(Path.of("src/test/resources/reference/hf/distill.safetensors"));
    float[] gradient = new float[35];
    DistillationLoss.Value value =
        new DistillationLoss(0.5)
            .of(
                reference.floats("student"),
                reference.floats("teacher"),
                reference.ints("labels"),
                7,
                gradient);
    assertEquals(reference.floats("ce")[0], value.crossEntropy(), 1e-6);
    assertEquals(reference.floats("kl")[0], value.divergence(), 1e-6);
    assertEquals(reference.floats("loss")[0], value.loss(), 1e-6);
    assertArrayEquals(reference.floats("grad"), gradient, 1e-7f);
  }

  @Test
  void shouldStayFiniteWhereTheTeacherIsCertain() {
    float[] gradient = new float[2];
    DistillationLoss.Value value =
        new DistillationLoss(0.5)
            .of(new float[] {-200, 200}, new float[] {1e4f, -1e4f}, new int[] {1}, 2, gradient);
    assertEquals(400, value.divergence(), 1e-9);
    assertTrue(Float.isFinite(gradient[0]) && Float.isFinite(gradient[1]));
  }
}
