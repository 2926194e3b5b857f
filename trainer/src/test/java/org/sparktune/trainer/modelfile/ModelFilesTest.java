package org.sparktune.trainer.modelfile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

class ModelFilesTest {
  @TempDir Path temporary;

  @Test
  void shouldReadTheSameWeightsFromGgufAndSafetensors() {
    Path models = Path.of(System.getProperty("sparktune.shared", "")).resolve("assets/models");
    assumeTrue(
        Files.exists(models.resolve("stories260K-f32.gguf")), "../shared/assets/models is absent");
    try (ModelFile gguf = ModelFiles.open(models.resolve("stories260K-f32.gguf"));
        ModelFile folder = ModelFiles.open(models.resolve("stories260K-hf"));
        Arena arena = new Arena("test")) {
      int compared = 0;
      for (String name : folder.names()) {
        if (gguf.has(name)) {
          assertArrayEquals(folder.shape(name), gguf.shape(name), name);
          assertArrayEquals(values(folder, name, arena), values(gguf, name, arena), name);
          compared++;
        }
      }
      assertEquals(5 * 9 + 2, compared);
      gguf.requireFinite();
    }
  }

  @Test
  void shouldUseStoredBytesInPlace() throws URISyntaxException {
    try (ModelFile model = ModelFiles.open(resource("llama3-tiny"));
        Arena arena = new Arena("test")) {
      for (String name : model.names()) {
        Tensor mapped = model.stored(name).map().orElseThrow();
        assertArrayEquals(values(model, name, arena), mapped.toFloatArray(), name);
      }
    }
  }

  @Test
  void shouldNameFileAndTensorThatHoldsNoFiniteNumber() throws IOException {
    for (float bad : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
      Path folder = Files.createDirectories(temporary.resolve("bad" + bad));
      try (Arena arena = new Arena("test")) {
        Tensor tensor = arena.allocate(DType.F32, 130, 100);
        tensor.setFloat(12_345, bad);
        SafetensorsWriter.write(folder.resolve("model.safetensors"), Map.of("w", tensor));
        try (ModelFile model = ModelFiles.open(folder)) {
          SparktuneException e = assertThrows(SparktuneException.class, model::requireFinite);
          assertEquals(ErrorCode.BAD_FILE, e.code());
          assertTrue(e.getMessage().contains("w of " + folder), e.getMessage());
          assertTrue(e.getMessage().contains(bad + " at element 12,345"), e.getMessage());
          Tensor to = arena.allocate(DType.BF16, 130, 100);
          assertThrows(SparktuneException.class, () -> model.read("w", to));
        }
      }
    }
  }

  @Test
  void shouldRefuseAShapeThatDoesNotFit() throws URISyntaxException {
    try (ModelFile model = ModelFiles.open(resource("qwen2-tiny"));
        Arena arena = new Arena("test")) {
      Tensor small = arena.allocate(DType.F32, 3, 4);
      SparktuneException e =
          assertThrows(SparktuneException.class, () -> model.read("model.norm.weight", small));
      assertTrue(e.getMessage().contains("[64] where [3, 4]"), e.getMessage());
      assertThrows(SparktuneException.class, () -> model.stored("model.nothing.weight"));
    }
  }

  @Test
  void shouldNameTensorsBothWays() {
    TensorNames llama = TensorNames.of("llama");
    TensorNames phi = TensorNames.of("phi3");
    assertNames(llama, "model.layers.12.self_attn.q_proj.weight", "blk.12.attn_q.weight");
    assertNames(llama, "lm_head.weight", "output.weight");
    assertNames(
        TensorNames.of("qwen2"), "model.layers.0.self_attn.k_proj.bias", "blk.0.attn_k.bias");
    assertNames(
        TensorNames.of("qwen3"),
        "model.layers.3.self_attn.q_norm.weight",
        "blk.3.attn_q_norm.weight");
    assertNames(phi, "model.layers.1.mlp.gate_up_proj.weight", "blk.1.ffn_up.weight");
    assertNames(phi, "model.layers.1.self_attn.qkv_proj.weight", "blk.1.attn_qkv.weight");
    assertTrue(llama.toHuggingFace("rope_freqs.weight").isEmpty());
  }

  private static void assertNames(TensorNames names, String huggingFace, String gguf) {
    assertEquals(gguf, names.toGguf(huggingFace).orElseThrow());
    assertEquals(huggingFace, names.toHuggingFace(gguf).orElseThrow());
  }

  private static Path resource(String model) throws URISyntaxException {
    return Path.of(ModelFilesTest.class.getResource("/reference/hf/" + model).toURI());
  }

  private static float[] values(ModelFile model, String name, Arena arena) {
    Tensor tensor = arena.allocate(DType.F32, model.shape(name));
    model.read(name, tensor);
    return tensor.toFloatArray();
  }
}
