package org.sparktune.trainer.modelfile.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.TokenizerVocabulary;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.GgufConfig;
import org.sparktune.trainer.model.HuggingFaceConfig;
import org.sparktune.trainer.model.Passage;
import org.sparktune.trainer.model.Tuning;
import org.sparktune.trainer.modelfile.GgufModel;
import org.sparktune.trainer.modelfile.HuggingFaceFolder;
import org.sparktune.trainer.modelfile.ModelFiles;
import org.sparktune.trainer.modelfile.WeightSource;

class GgufExportTest {
  private static final Path MODELS = Path.of("src/test/resources/reference/hf");

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "llama3-tiny, F32, 1e-4",
    "qwen2-tiny, F32, 1e-4",
    "qwen3-tiny, F32, 1e-4",
    "phi3-tiny, F32, 1e-4",
    "phi3-longrope-tiny, F32, 1e-4",
    "llama3-tiny, F16, 2e-2",
    "qwen2-tiny, Q8_0, 0.3",
  })
  void shouldComputeTheSameAfterExport(String model, GgmlType type, float tolerance)
      throws IOException {
    Path source = MODELS.resolve(model);
    DecoderConfig config = HuggingFaceConfig.read(source.resolve("config.json"));
    Path file = folder.resolve("model.gguf");
    try (Engine engine = Engines.open("fp32", 2, "cpu");
        HuggingFaceFolder weights = HuggingFaceFolder.open(source)) {
      GgufExport.write(
          file, model, config, weights, type, vocabulary(500), Optional.of("{{ messages }}"));
      try (GgufModel gguf = (GgufModel) ModelFiles.open(file)) {
        float[] expected = logProbs(config, weights, engine);
        float[] actual = logProbs(GgufConfig.read(gguf.gguf(), gguf), gguf, engine);
        assertArrayEquals(expected, actual, tolerance);
        assertEquals("{{ messages }}", gguf.gguf().metadata().text("tokenizer.chat_template"));
        assertEquals("[PAD511]", gguf.gguf().metadata().texts("tokenizer.ggml.tokens").get(511));
      }
    }
  }

  @Test
  void shouldRefuseATokenizerLargerThanTheModel() throws IOException {
    Path source = MODELS.resolve("qwen2-tiny");
    DecoderConfig config = HuggingFaceConfig.read(source.resolve("config.json"));
    try (HuggingFaceFolder weights = HuggingFaceFolder.open(source)) {
      Path file = folder.resolve("model.gguf");
      SparktuneException e =
          assertThrows(
              SparktuneException.class,
              () ->
                  GgufExport.write(
                      file, "x", config, weights, GgmlType.F32, vocabulary(513), Optional.empty()));
      assertEquals(ErrorCode.MISMATCH, e.code());
      e =
          assertThrows(
              SparktuneException.class,
              () ->
                  GgufExport.write(
                      file,
                      "x",
                      config,
                      weights,
                      GgmlType.Q4_K,
                      vocabulary(512),
                      Optional.empty()));
      assertTrue(e.getMessage().contains("Q4_K"), e.getMessage());
      assertTrue(Files.notExists(file));
    }
  }

  private static float[] logProbs(DecoderConfig config, WeightSource weights, Engine engine) {
    int[] tokens = new int[40];
    int[] targets = new int[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = 3 + i * 37 % 500;
      targets[i] = 3 + (i + 1) * 37 % 500;
    }
    targets[tokens.length - 1] = Batch.IGNORED;
    try (Decoder decoder = Decoder.load(config, weights, engine, new Tuning.Nothing())) {
      return decoder.scores(new Batch(tokens, targets, new int[] {0, tokens.length}), Passage.BASE);
    }
  }

  private static TokenizerVocabulary vocabulary(int size) {
    List<String> tokens = new ArrayList<>();
    int[] types = new int[size];
    for (int id = 0; id < size; id++) {
      tokens.add("t" + id);
      types[id] = TokenizerVocabulary.NORMAL;
    }
    return new TokenizerVocabulary(
        "gpt2",
        "qwen2",
        tokens,
        types,
        new float[0],
        List.of("t 1"),
        OptionalInt.empty(),
        OptionalInt.of(2),
        OptionalInt.empty(),
        OptionalInt.empty(),
        false,
        false,
        false);
  }
}
