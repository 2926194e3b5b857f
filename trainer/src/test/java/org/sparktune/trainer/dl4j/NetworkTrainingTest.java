package org.sparktune.trainer.dl4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.LocalCollective;
import org.sparktune.trainer.collective.Ranks;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.collective.Slices.Range;

/** Ranks against DL4J's own fit over the same examples, and against each other. */
class NetworkTrainingTest {
  private static final int BATCHES = 4;

  /** Five steps of four batches of different sizes; the last step has three. */
  private static final int[] SIZES = {8, 5, 8, 3, 8, 8, 8, 8, 1, 8, 2, 8, 8, 8, 8, 8, 4, 8, 6};

  private static final long FREE_BYTES = 1L << 20;

  /** What a rank ends with. */
  private record Outcome(
      float[] parameters,
      float[] state,
      List<Range> stateRanges,
      List<Double> scores,
      long stateBytes) {}

  static Stream<IUpdater> updaters() {
    return Networks.updaters().stream();
  }

  @ParameterizedTest
  @MethodSource("updaters")
  void shouldDoWhatFitDoesWithEveryUpdater(IUpdater updater) {
    Supplier<Model> networks = layered(Networks.dense(updater, GradientNormalization.None));
    compareWithFit(networks, Networks.denseBatches(SIZES));
  }

  @ParameterizedTest
  @EnumSource(GradientNormalization.class)
  void shouldNormalizeGradientsAsFitDoes(GradientNormalization normalization) {
    compareWithFit(
        layered(Networks.dense(new Adam(0.01), normalization)), Networks.denseBatches(SIZES));
  }

  @Test
  void shouldDoWhatFitDoesWithMaskedSeries() {
    compareWithFit(layered(Networks.recurrent()), Networks.seriesBatches(SIZES));
  }

  @Test
  void shouldDoWhatFitDoesWithSeveralInputsAndOutputs() {
    compareWithFit(
        () -> {
          ComputationGraph graph = new ComputationGraph(Networks.graph());
          graph.init();
          return graph;
        },
        Networks.graphBatches(SIZES));
  }

  @Test
  void shouldDoWhatFitDoesWithoutAveraging() {
    MultiLayerConfiguration configuration =
        Networks.dense(new Adam(0.001), GradientNormalization.None);
    configuration.getConfs().forEach(layer -> layer.setMiniBatch(false));
    compareWithFit(layered(configuration), Networks.denseBatches(SIZES));
  }

  static Stream<Arguments> networksWithBatchStatisticsOrChance() {
    return Stream.of(
        Arguments.of(Networks.dropout(), Networks.denseBatches(SIZES)),
        Arguments.of(Networks.convolution(), Networks.imageBatches(SIZES)));
  }

  @ParameterizedTest
  @MethodSource("networksWithBatchStatisticsOrChance")
  void shouldGiveTheSameBitsAtAnyNumberOfRanks(
      MultiLayerConfiguration configuration, List<MultiDataSet> batches) {
    Outcome alone = train(layered(configuration), batches, 1).get(0);
    for (int ranks : new int[] {2, 3, 4, 8}) {
      assertSameBits(alone, train(layered(configuration), batches, ranks), ranks);
    }
  }

  @Test
  void shouldKeepBatchNormalizationsStatisticsAsFitDoesBatchByBatch() {
    List<MultiDataSet> batches = Networks.imageBatches(8, 8, 8, 5);
    MultiLayerNetwork fitted = (MultiLayerNetwork) layered(Networks.convolution()).get();
    for (MultiDataSet batch : batches) {
      fitted.fit(batch);
    }
    MultiLayerNetwork network = (MultiLayerNetwork) layered(Networks.convolution()).get();
    NetworkTrainable trainable = new NetworkTrainable(Network.of(network));
    try (NetworkTraining training =
        new NetworkTraining(trainable, new LocalCollective(), 1, 1, FREE_BYTES)) {
      for (MultiDataSet batch : batches) {
        NetworkTraining.Step unused = training.step(index -> batch);
      }
    }
    assertArrayEquals(
        fitted.getLayer(1).params().toFloatVector(),
        network.getLayer(1).params().toFloatVector(),
        2e-5f);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void shouldShareTheUpdaterState(int ranks) {
    List<Outcome> outcomes =
        train(
            layered(Networks.dense(new Adam(0.01), GradientNormalization.None)),
            Networks.denseBatches(SIZES),
            ranks);
    long whole = 0;
    long largest = 0;
    for (Outcome outcome : outcomes) {
      whole += outcome.stateBytes();
      largest = Math.max(largest, outcome.stateBytes());
    }
    MultiLayerNetwork network =
        (MultiLayerNetwork)
            layered(Networks.dense(new Adam(0.01), GradientNormalization.None)).get();
    assertEquals(
        network.getUpdater(true).getStateViewArray().length() * Float.BYTES,
        whole,
        "all ranks' state together is one network's");
    long rounding = 2L * Float.BYTES * Slices.ALIGNMENT; // two moments of at most a block
    assertTrue(
        largest <= whole / ranks + 2 * rounding,
        "the largest share is %d of %d".formatted(largest, whole));
  }

  @Test
  void shouldSayEverythingThatCannotBeTrainedInStep() {
    MultiLayerConfiguration configuration = Networks.recurrent();
    configuration.setBackpropType(BackpropType.TruncatedBPTT);
    configuration.setDataType(org.nd4j.linalg.api.buffer.DataType.DOUBLE);
    SparktuneException thrown =
        assertThrows(
            SparktuneException.class,
            () -> new NetworkTrainable(Network.of(layered(configuration).get())));
    assertEquals(ErrorCode.UNSUPPORTED, thrown.code());
    assertTrue(thrown.getMessage().contains("truncated"), thrown.getMessage());
    assertTrue(thrown.getMessage().contains("DOUBLE"), thrown.getMessage());
  }

  @Test
  void shouldStopWhenTheLossIsNotFinite() {
    List<MultiDataSet> batches = Networks.denseBatches(8, 8);
    batches.get(1).getFeatures(0).putScalar(0, Double.NaN);
    SparktuneException thrown =
        assertThrows(
            SparktuneException.class,
            () ->
                train(
                    layered(Networks.dense(new Adam(0.01), GradientNormalization.None)),
                    batches,
                    2));
    assertEquals(ErrorCode.DIVERGED, thrown.code());
  }

  private static void compareWithFit(Supplier<Model> networks, List<MultiDataSet> batches) {
    Model fitted = networks.get();
    List<Double> scores = fit(fitted, batches);
    Outcome alone = train(networks, batches, 1).get(0);
    float[] expected = fitted.params().toFloatVector();
    assertArrayEquals(expected, alone.parameters(), 1e-4f);
    INDArray fittedState = Network.of(fitted).updater().getStateViewArray();
    if (fittedState != null) {
      assertArrayEquals(fittedState.toFloatVector(), state(List.of(alone)), 1e-4f);
    }
    for (int step = 0; step < scores.size(); step++) {
      assertEquals(scores.get(step), alone.scores().get(step), 1e-4 * (1 + scores.get(step)));
    }
    for (int ranks : new int[] {2, 4}) {
      assertSameBits(alone, train(networks, batches, ranks), ranks);
    }
  }

  /** DL4J alone: one batch of all the step's examples. */
  private static List<Double> fit(Model network, List<MultiDataSet> batches) {
    List<Double> scores = new ArrayList<>();
    for (int from = 0; from < batches.size(); from += BATCHES) {
      MultiDataSet all =
          MultiDataSet.merge(batches.subList(from, Math.min(batches.size(), from + BATCHES)));
      if (network instanceof MultiLayerNetwork layered) {
        layered.fit(new SingletonMultiDataSetIterator(all));
        layered.setEpochCount(0);
      } else {
        ((ComputationGraph) network).fit(all);
      }
      scores.add(network.score());
    }
    return scores;
  }

  private static List<Outcome> train(
      Supplier<Model> networks, List<MultiDataSet> batches, int ranks) {
    return Ranks.call(
        ranks,
        collective -> {
          NetworkTrainable trainable = new NetworkTrainable(Network.of(networks.get()));
          try (NetworkTraining training =
              new NetworkTraining(trainable, collective, BATCHES, 1, FREE_BYTES)) {
            List<Double> scores = new ArrayList<>();
            for (int from = 0; from < batches.size(); from += BATCHES) {
              int first = from;
              NetworkTraining.Step step =
                  training.step(
                      index -> first + index < batches.size() ? batches.get(first + index) : null);
              scores.add(step.score());
            }
            return new Outcome(
                trainable.parameters().toFloatArray(),
                training.updater().state(),
                training.stateRanges(),
                scores,
                training.updater().stateBytes());
          }
        });
  }

  /** All ranks' updater state, put together as DL4J lays it out. */
  private static float[] state(List<Outcome> outcomes) {
    int size = 0;
    for (Outcome outcome : outcomes) {
      size += outcome.state().length;
    }
    float[] whole = new float[size];
    for (Outcome outcome : outcomes) {
      int offset = 0;
      for (Range range : outcome.stateRanges()) {
        System.arraycopy(outcome.state(), offset, whole, (int) range.from(), (int) range.size());
        offset += (int) range.size();
      }
    }
    return whole;
  }

  private static void assertSameBits(Outcome alone, List<Outcome> outcomes, int ranks) {
    for (Outcome outcome : outcomes) {
      assertSameBits(alone.parameters(), outcome.parameters(), "parameter", ranks);
      assertEquals(alone.scores(), outcome.scores(), "scores with %d ranks".formatted(ranks));
    }
    assertSameBits(state(List.of(alone)), state(outcomes), "state", ranks);
  }

  private static void assertSameBits(float[] expected, float[] actual, String what, int ranks) {
    assertEquals(expected.length, actual.length);
    for (int i = 0; i < expected.length; i++) {
      if (Float.floatToRawIntBits(expected[i]) != Float.floatToRawIntBits(actual[i])) {
        fail(
            "%s %d is %s with one rank and %s with %d"
                .formatted(what, i, expected[i], actual[i], ranks));
      }
    }
  }

  private static Supplier<Model> layered(MultiLayerConfiguration configuration) {
    return () -> {
      MultiLayerNetwork network = new MultiLayerNetwork(configuration.clone());
      network.init();
      return network;
    };
  }
}
