package org.sparktune.trainer.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaBelief;
import org.nd4j.linalg.learning.config.AdaDelta;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.AdaMax;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.engine.cpu.CpuVectors;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

class UpdaterOptimizerTest {
  private static final int SIZE = 7 * 1024 + 77;
  private static final int STEPS = 3;
  private static final double RATE = 0.01;

  static Stream<IUpdater> updaters() {
    return Stream.of(
        new Adam(),
        new AMSGrad(),
        new AdaMax(),
        new Nadam(),
        new AdaDelta(),
        new AdaGrad(),
        new RmsProp(),
        new Nesterovs(),
        new Sgd(),
        new NoOp(),
        new AdaBelief());
  }

  @ParameterizedTest
  @MethodSource("updaters")
  void shouldDoWhatNd4jDoes(IUpdater updater) {
    IUpdater config = updater.clone();
    if (config.hasLearningRate()) {
      config.setLrAndSchedule(RATE, null);
    }
    long stateSize = config.stateSize(SIZE);
    INDArray view = stateSize == 0 ? null : Nd4j.create(1, stateSize);
    GradientUpdater<?> own = UpdaterOptimizer.fresh(config, view);
    float[] expected = start();
    for (int step = 0; step < STEPS; step++) {
      INDArray update = Nd4j.createFromArray(gradients(step)).reshape(1, SIZE);
      own.applyUpdater(update, step, 0);
      float[] values = update.toFloatVector();
      for (int i = 0; i < SIZE; i++) {
        expected[i] -= values[i];
      }
    }
    float[] actual = train(updater, 0, 1, 1, 1 << 30);
    assertArrayEquals(expected, actual, 1e-6f);
  }

  @ParameterizedTest
  @MethodSource("updaters")
  void shouldGiveTheSameBitsHoweverItIsShared(IUpdater updater) {
    float[] alone = train(updater, 0.1, 1, 1, 1 << 30);
    assertFalse(Arrays.equals(start(), alone));
    for (int ranks : new int[] {2, 3, 4}) {
      assertArrayEquals(alone, train(updater, 0.1, ranks, 2, 1 << 30));
      assertArrayEquals(alone, train(updater, 0.1, ranks, 1, 0));
    }
  }

  /** Trains the slices of all ranks, one after the other, in the same vector. */
  private static float[] train(
      IUpdater updater, double weightDecay, int ranks, int threads, long freeBytes) {
    ParameterLayout layout = new ParameterLayout();
    layout.add("layer.0", true, 3000);
    layout.add("layer.1", false, SIZE - 3000);
    Buckets buckets = Buckets.of(layout, freeBytes);
    try (Arena arena = new Arena("test");
        CpuVectors vectors = new CpuVectors(threads)) {
      Tensor parameters = arena.allocate(DType.F32, SIZE).set(start());
      Tensor gradients = arena.allocate(DType.F32, SIZE);
      for (int rank = 0; rank < ranks; rank++) {
        Ownership ownership = Ownership.of(buckets, rank, ranks);
        UpdaterOptions options = new UpdaterOptions(updater, weightDecay);
        try (Optimizer optimizer = options.create(layout, ownership, vectors, threads)) {
          requireState(options, optimizer);
          for (int step = 0; step < STEPS; step++) {
            gradients.set(gradients(step));
            optimizer.step(parameters, gradients, RATE, 1);
          }
        }
      }
      return parameters.toFloatArray();
    }
  }

  private static void requireState(UpdaterOptions options, Optimizer optimizer) {
    List<ShardedVector> state = optimizer.state();
    assertEquals(options.statePerParameter(), state.size());
    for (ShardedVector vector : state) {
      long held = 0;
      for (Slices.Range range : vector.ranges()) {
        held += range.size();
      }
      assertEquals(held, vector.values().size());
    }
  }

  private static float[] start() {
    return AdamWTest.normal(new Random(1), SIZE);
  }

  private static float[] gradients(int step) {
    return AdamWTest.normal(new Random(100 + step), SIZE);
  }
}
