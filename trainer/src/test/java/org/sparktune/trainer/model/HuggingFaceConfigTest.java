package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.SparktuneException;

class HuggingFaceConfigTest {
  private static final String LLAMA =
      """
      {"model_type": "llama", "hidden_size": 64, "intermediate_size": 172, "num_hidden_layers": 4,
       "num_attention_heads": 8, "num_key_value_heads": 4, "vocab_size": 512,
       "max_position_embeddings": 256, "rms_norm_eps": 1e-05, "hidden_act": "silu"%s}
      """;

  @TempDir private Path folder;

  @Test
  void shouldReadTheOlderRopeKeys() throws IOException {
    DecoderConfig config =
        read(
            """
            , "rope_theta": 500000.0, "tie_word_embeddings": true, "rope_scaling": {"type": "linear",
            "factor": 4.0}""");
    assertEquals(500_000, config.ropeTheta());
    assertEquals(new RopeScaling.Linear(4), config.ropeScaling());
    assertEquals(8, config.headSize());
    assertTrue(config.tiedEmbeddings());
  }

  @Test
  void shouldReadTheNewerRopeKeys() throws IOException {
    DecoderConfig config =
        read(
            """
            , "rope_parameters": {"rope_type": "dynamic", "rope_theta": 20000.0, "factor": 2.0}""");
    assertEquals(20_000, config.ropeTheta());
    assertEquals(new RopeScaling.Dynamic(2, 256), config.ropeScaling());
  }

  @Test
  void shouldGiveEveryFieldItsDefault() throws IOException {
    DecoderConfig config = read("");
    assertEquals(new RopeScaling.None(), config.ropeScaling());
    assertEquals(10_000, config.ropeTheta());
    assertEquals(DecoderConfig.noWindows(4), config.windows());
    assertEquals(
        List.of(false, false, false, false),
        List.of(
            config.tiedEmbeddings(),
            config.queryKeyValueBias(),
            config.outputBias(),
            config.feedForwardBias()));
  }

  @Test
  void shouldPutWindowsOnTheLaterLayersOfQwen2() throws IOException {
    DecoderConfig config =
        HuggingFaceConfig.read(
            write(
                LLAMA
                    .replace("llama", "qwen2")
                    .formatted(
                        """
                        , "use_sliding_window": true, "sliding_window": 32, "max_window_layers": 3""")));
    int all = Integer.MAX_VALUE;
    assertEquals(List.of(all, all, all, 32), config.windows());
    assertTrue(config.queryKeyValueBias());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"vocab_size\": 512, | '' | vocab_size",
        "\"model_type\": \"llama\" | \"model_type\": \"gpt_neox\" | gpt_neox",
        "\"silu\" | \"gelu\" | gelu",
        "\"hidden_size\": 64 | \"hidden_size\": \"large\" | hidden_size",
        "\"num_key_value_heads\": 4 | \"num_key_value_heads\": 3 | 3 key/value heads",
        "\"hidden_act\" | \"rope_scaling\": {\"type\": \"mystery\"}, \"hidden_act\" | mystery",
        "\"hidden_act\" | \"rope_scaling\": {\"type\": \"linear\"}, \"hidden_act\" | rope_scaling.factor",
        "\"hidden_act\" | \"partial_rotary_factor\": 0.5, \"hidden_act\" | partial_rotary_factor",
        "{ | [ | not JSON"
      })
  void shouldNameWhatIsWrong(String part, String replacement, String named) throws IOException {
    String text = LLAMA.formatted("");
    assertTrue(text.contains(part));
    Path file = write(text.replace(part, replacement));
    SparktuneException refusal =
        assertThrows(SparktuneException.class, () -> HuggingFaceConfig.read(file));
    assertTrue(refusal.getMessage().contains(named), refusal.getMessage());
  }

  @Test
  void shouldNameAMissingFile() {
    Path missing = folder.resolve("nowhere.json");
    SparktuneException refusal =
        assertThrows(SparktuneException.class, () -> HuggingFaceConfig.read(missing));
    assertTrue(refusal.getMessage().contains("nowhere.json"));
  }

  private DecoderConfig read(String extra) throws IOException {
    return HuggingFaceConfig.read(write(LLAMA.formatted(extra)));
  }

  private Path write(String text) throws IOException {
    return Files.writeString(folder.resolve("config.json"), text);
  }
}
