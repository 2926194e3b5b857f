package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.Engine;

class GeneratorTest {
  private static final int PROMPT = 6;
  private static final int NEW_TOKENS = 20;

  @ParameterizedTest
  @CsvSource({
    "PLAIN, llama3-tiny",
    "CPU_F32, llama3-tiny",
    "CPU_F32, qwen2-tiny",
    "CPU_F32, phi3-tiny",
    "CPU_F32, qwen3-tiny"
  })
  void shouldContinueGreedilyAsTheReference(EngineKind kind, String name) {
    ReferenceModel model = new ReferenceModel(name);
    int[] expected = model.tensors("reference").ints("greedy");
    int[] prompt = Arrays.copyOf(expected, PROMPT);
    try (Engine engine = kind.open();
        Decoder decoder = model.load(engine, new Tuning.Nothing())) {
      List<Integer> streamed = new ArrayList<>();
      List<Generator.Continuation> continuations =
          new Generator(decoder)
              .generate(
                  List.of(prompt),
                  SamplingOptions.greedy(NEW_TOKENS),
                  Set.of(),
                  (sequence, token) -> streamed.add(token));
      int[] continued = Arrays.copyOfRange(expected, PROMPT, expected.length);
      assertArrayEquals(continued, continuations.get(0).tokens());
      assertFalse(continuations.get(0).stopped());
      assertEquals(Arrays.stream(continued).boxed().toList(), streamed);
    }
  }

  @ParameterizedTest
  @EnumSource(names = "CPU_F32")
  void shouldGenerateTogetherWhatItGeneratesAlone(EngineKind kind) {
    ReferenceModel model = new ReferenceModel("qwen2-tiny");
    List<int[]> prompts =
        List.of(
            new int[] {7, 8, 9},
            new int[] {300, 4, 250, 251, 252, 9, 77},
            new int[] {5},
            new int[] {6, 6},
            new int[] {400, 401, 402, 403});
    SamplingOptions options = new SamplingOptions(12, 0.8, 20, 0.95, 0.01, 1.1, 3);
    try (Engine engine = kind.open();
        Decoder decoder = model.load(engine, new Tuning.Nothing())) {
      Generator generator = new Generator(decoder);
      List<Generator.Continuation> together =
          generator.generate(prompts, options, Set.of(), (sequence, token) -> {});
      List<Generator.Continuation> again =
          generator.generate(prompts, options, Set.of(), (sequence, token) -> {});
      for (int i = 0; i < prompts.size(); i++) {
        assertArrayEquals(together.get(i).tokens(), again.get(i).tokens());
      }
      int[] alone =
          generator
              .generate(List.of(prompts.get(0)), options, Set.of(), (sequence, token) -> {})
              .get(0)
              .tokens();
      assertArrayEquals(together.get(0).tokens(), alone);
    }
  }

  @Test
  void shouldEndAtAStopId() {
    ReferenceModel model = new ReferenceModel("llama3-tiny");
    int[] expected = model.tensors("reference").ints("greedy");
    int stop = expected[PROMPT + 4];
    try (Engine engine = EngineKind.CPU_F32.open();
        Decoder decoder = model.load(engine, new Tuning.Nothing())) {
      Generator.Continuation continuation =
          new Generator(decoder)
              .generate(
                  List.of(Arrays.copyOf(expected, PROMPT)),
                  SamplingOptions.greedy(NEW_TOKENS),
                  Set.of(stop),
                  (sequence, token) -> {})
              .get(0);
      assertTrue(continuation.stopped());
      assertTrue(continuation.tokens().length <= 4);
    }
  }

  @Test
  void shouldRefusePromptsThatDoNotFit() {
    ReferenceModel model = new ReferenceModel("llama3-tiny");
    try (Engine engine = EngineKind.CPU_F32.open();
        Decoder decoder = model.load(engine, new Tuning.Nothing())) {
      Generator generator = new Generator(decoder);
      for (int[] prompt : List.of(new int[0], new int[512], new int[] {512}, new int[] {-1})) {
        assertThrows(
            SparktuneException.class,
            () ->
                generator.generate(
                    List.of(prompt), SamplingOptions.greedy(1), Set.of(), (sequence, token) -> {}));
      }
    }
  }
}
