package org.sparktune.jobs.dl4j;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.dataset.DataSet;

class AveragingComparisonTest {
  private static final int EPOCHS = 2;

  @Test
  void shouldLearnNoSlowerThanParameterAveragingWithAShareOfTheState() {
    List<DataSet> batches = Languages.synthetic(40, 16);
    try (LocalSpark spark = new LocalSpark(4)) {
      AveragingComparison.Curve allReduce =
          AveragingComparison.allReduce(spark.context(), batches, Languages.CLASSES, EPOCHS);
      AveragingComparison.Curve averaging =
          AveragingComparison.averaging(spark.context(), batches, Languages.CLASSES, EPOCHS);
      for (int epoch = 0; epoch < EPOCHS; epoch++) {
        assertTrue(
            allReduce.losses().get(epoch) <= averaging.losses().get(epoch),
            "epoch %d: %s, averaging %s".formatted(epoch, allReduce.losses(), averaging.losses()));
      }
      long whole = averaging.stateBytes().get(0);
      for (long share : allReduce.stateBytes()) {
        assertTrue(share < whole * 0.51, "%d of %d bytes".formatted(share, whole));
      }
    }
  }
}
