package org.sparktune.trainer.modelfile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

class PeftAdapterTest {
  private static final Path MODEL = Path.of("src/test/resources/reference/hf/llama3-tiny");

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"lora", "lora-rs", "lora-dora", "lora-pattern", "lora-head"})
  void shouldWriteWhatPeftWrote(String name) throws IOException {
    Path source = MODEL.resolve(name);
    try (Arena arena = new Arena("test")) {
      PeftAdapter.read(source, arena).write(folder);
      assertArrayEquals(
          Files.readAllBytes(source.resolve(PeftAdapter.WEIGHTS)),
          Files.readAllBytes(folder.resolve(PeftAdapter.WEIGHTS)));
      ObjectMapper json = new ObjectMapper();
      JsonNode expected = json.readTree(source.resolve(AdapterConfig.FILE_NAME).toFile());
      JsonNode written = json.readTree(folder.resolve(AdapterConfig.FILE_NAME).toFile());
      written
          .fields()
          .forEachRemaining(e -> assertEquals(expected.get(e.getKey()), e.getValue(), e.getKey()));
      assertTrue(
          Files.readString(folder.resolve(AdapterConfig.FILE_NAME))
              .contains("\n  \"bias\": \"none\",\n"));
    }
  }

  @Test
  void shouldScaleEveryModuleByItsOwnRankAndAlpha() {
    try (Arena arena = new Arena("test")) {
      PeftAdapter pattern = PeftAdapter.read(MODEL.resolve("lora-pattern"), arena);
      assertEquals(8.0 / 6, pattern.scale("model.layers.0.mlp.down_proj"));
      assertEquals(8.0 / 2, pattern.scale("model.layers.0.self_attn.q_proj"));
      assertEquals(16.0 / 4, pattern.scale("model.layers.1.self_attn.v_proj"));
      assertEquals(
          8.0 / 2,
          PeftAdapter.read(MODEL.resolve("lora-rs"), arena).scale("model.layers.0.mlp.up_proj"));
      assertEquals(
          "[lm_head.weight]",
          PeftAdapter.read(MODEL.resolve("lora-head"), arena).saved().keySet().toString());
    }
  }

  @Test
  void shouldRefuseAnAdapterOfAnotherModel() {
    try (Arena arena = new Arena("test");
        HuggingFaceFolder llama = HuggingFaceFolder.open(MODEL);
        HuggingFaceFolder qwen = HuggingFaceFolder.open(MODEL.resolveSibling("qwen2-tiny"))) {
      PeftAdapter adapter = PeftAdapter.read(MODEL.resolve("lora"), arena);
      adapter.checkFits(llama);
      SparktuneException e = assertThrows(SparktuneException.class, () -> adapter.checkFits(qwen));
      assertEquals(ErrorCode.MISMATCH, e.code());
      assertTrue(e.getMessage().contains("model.layers.0.mlp.down_proj"), e.getMessage());
      assertTrue(
          e.getMessage().contains("64 × 160") && e.getMessage().contains("64 × 176"),
          e.getMessage());
    }
  }

  @Test
  void shouldRefuseBrokenAdapters() throws IOException {
    try (Arena arena = new Arena("test")) {
      assertThrows(SparktuneException.class, () -> PeftAdapter.read(folder, arena));
      String config = Files.readString(MODEL.resolve("lora").resolve(AdapterConfig.FILE_NAME));
      Files.writeString(folder.resolve(AdapterConfig.FILE_NAME), config);
      Map<String, Tensor> tensors = new TreeMap<>();
      tensors.put("base_model.model.x.lora_A.weight", arena.allocate(DType.F32, 2, 4));
      refuses(tensors, arena, "x.lora_B.weight");
      tensors.put("base_model.model.x.lora_B.weight", arena.allocate(DType.F32, 4, 3));
      refuses(tensors, arena, "different ranks");
      Files.writeString(
          folder.resolve(AdapterConfig.FILE_NAME), config.replace("\"LORA\"", "\"IA3\""));
      refuses(tensors, arena, "IA3");
      Files.writeString(
          folder.resolve(AdapterConfig.FILE_NAME),
          config.replace("\"lora_bias\": false", "\"lora_bias\": true"));
      refuses(tensors, arena, "lora_bias");
      Files.writeString(folder.resolve(AdapterConfig.FILE_NAME), "{");
      refuses(tensors, arena, "not JSON");
    }
  }

  private void refuses(Map<String, Tensor> tensors, Arena arena, String expected)
      throws IOException {
    SafetensorsWriter.write(folder.resolve(PeftAdapter.WEIGHTS), tensors);
    SparktuneException e =
        assertThrows(SparktuneException.class, () -> PeftAdapter.read(folder, arena));
    assertTrue(e.getMessage().contains(expected), e.getMessage());
  }
}
