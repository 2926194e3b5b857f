package org.sparktune.trainer.modelfile.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.tokenizer.gguf.GgufFile;
import org.sparktune.tokenizer.gguf.GgufTensor;
import org.sparktune.tokenizer.gguf.GgufValue;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.HuggingFaceConfig;
import org.sparktune.trainer.modelfile.AdapterConfig;
import org.sparktune.trainer.modelfile.GgufWriter;
import org.sparktune.trainer.modelfile.HuggingFaceFolder;
import org.sparktune.trainer.modelfile.PeftAdapter;

class GgufLoraTest {
  private static final String QUERY = "model.layers.0.self_attn.q_proj";
  private static final String KEY = "model.layers.1.self_attn.k_proj";
  private static final String DOWN = "model.layers.1.mlp.down_proj";

  @TempDir Path folder;

  @Test
  void shouldWriteWhatLlamaCppsConverterWrites() throws IOException {
    Path models = Path.of(System.getProperty("sparktune.shared", "")).resolve("assets/models");
    assumeTrue(
        Files.exists(models.resolve("stories260K-lora-f32.gguf")),
        "../shared/assets/models is absent");
    DecoderConfig base = HuggingFaceConfig.read(models.resolve("stories260K-hf/config.json"));
    Path file = folder.resolve("lora.gguf");
    try (Arena arena = new Arena("test")) {
      PeftAdapter adapter = PeftAdapter.read(models.resolve("stories260K-lora-peft"), arena);
      GgufLora.write(file, "stories", adapter, base);
      GgufFile expected = GgufFile.read(models.resolve("stories260K-lora-f32.gguf"));
      GgufFile actual = GgufFile.read(file);
      for (String key :
          List.of("general.type", "general.architecture", "adapter.type", GgufLora.ALPHA)) {
        assertEquals(
            expected.metadata().values().get(key), actual.metadata().values().get(key), key);
      }
      assertEquals(expected.tensors().keySet().size(), actual.tensors().size());
      for (GgufTensor tensor : expected.tensors().values()) {
        GgufTensor own = actual.tensor(tensor.name()).orElseThrow();
        assertEquals(tensor.dimensions(), own.dimensions(), tensor.name());
        assertEquals(tensor.type(), own.type(), tensor.name());
        assertArrayEquals(bytes(expected, tensor), bytes(actual, own), tensor.name());
      }
      PeftAdapter read = GgufLoraReader.read(expected.path(), base, arena);
      assertEquals(16, read.config().alpha());
      assertEquals(
          List.of("down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"),
          read.config().targetModules());
      assertSameTensors(adapter, read);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "llama3-tiny, false, 4, 8",
    "llama3-tiny, true, 4, 0",
    "llama3-tiny, false, 6, 0",
    "qwen3-tiny, true, 2, 0",
  })
  void shouldKeepTheProductOfEveryModule(
      String model, boolean rslora, int downRank, double writtenAlpha) throws IOException {
    DecoderConfig base = ExportFixtures.config(model);
    Path file = folder.resolve("lora.gguf");
    Map<String, Integer> ranks = downRank == 4 ? Map.of() : Map.of(DOWN, downRank);
    try (Arena arena = new Arena("test");
        HuggingFaceFolder weights = ExportFixtures.open(model)) {
      PeftAdapter adapter =
          ExportFixtures.adapter(
              ExportFixtures.adapterConfig(4, rslora, ranks), weights, arena, QUERY, KEY, DOWN);
      GgufLora.write(file, "test", adapter, base);
      assertEquals(writtenAlpha, GgufFile.read(file).metadata().number(GgufLora.ALPHA));
      PeftAdapter read = GgufLoraReader.read(file, base, arena);
      assertEquals(adapter.modules(), read.modules());
      for (String module : adapter.modules()) {
        float[] expected = product(adapter, module);
        assertArrayEquals(expected, product(read, module), 1e-5f, module);
      }
      AdapterMerge one = new AdapterMerge(weights, base, adapter);
      AdapterMerge other = new AdapterMerge(weights, base, read);
      Tensor left = arena.allocate(DType.F32, weights.shape(QUERY + ".weight"));
      Tensor right = arena.allocate(DType.F32, weights.shape(QUERY + ".weight"));
      one.read(QUERY + ".weight", left);
      other.read(QUERY + ".weight", right);
      assertArrayEquals(left.toFloatArray(), right.toFloatArray(), 1e-5f);
    }
  }

  @Test
  void shouldInterleaveQueryRowsOfLlamaOnly() throws IOException {
    try (Arena arena = new Arena("test")) {
      for (String model : List.of("llama3-tiny", "qwen3-tiny")) {
        Path file = folder.resolve(model + ".gguf");
        try (HuggingFaceFolder weights = ExportFixtures.open(model)) {
          PeftAdapter adapter =
              ExportFixtures.adapter(
                  ExportFixtures.adapterConfig(4, false, Map.of()), weights, arena, QUERY);
          DecoderConfig base = ExportFixtures.config(model);
          GgufLora.write(file, "test", adapter, base);
          GgufFile gguf = GgufFile.read(file);
          GgufTensor b = gguf.tensor("blk.0.attn_q.weight.lora_b").orElseThrow();
          float second = little(bytes(gguf, b), 4);
          int half = base.headSize() / 2;
          int row = model.startsWith("llama") ? half : 1;
          assertEquals(adapter.b(QUERY).getFloat(row * 4L), second);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora-dora", "lora-head"})
  void shouldSayWhatAGgufAdapterCannotExpress(String name) {
    try (Arena arena = new Arena("test")) {
      PeftAdapter adapter =
          PeftAdapter.read(ExportFixtures.MODELS.resolve("llama3-tiny").resolve(name), arena);
      Path file = folder.resolve("lora.gguf");
      SparktuneException e =
          assertThrows(
              SparktuneException.class,
              () -> GgufLora.write(file, "x", adapter, ExportFixtures.config("llama3-tiny")));
      assertEquals(ErrorCode.UNSUPPORTED, e.code());
      assertTrue(e.hint().contains("merged"), e.hint());
      assertTrue(Files.notExists(file));
    }
  }

  @Test
  void shouldFoldAnAlphaOfZero() throws IOException {
    AdapterConfig plain = ExportFixtures.adapterConfig(4, false, Map.of());
    AdapterConfig zero =
        new AdapterConfig(
            "",
            plain.taskType(),
            4,
            0,
            0,
            plain.targetModules(),
            true,
            false,
            false,
            Map.of(),
            Map.of(),
            List.of());
    try (Arena arena = new Arena("test");
        HuggingFaceFolder weights = ExportFixtures.open("llama3-tiny")) {
      Path file = folder.resolve("lora.gguf");
      DecoderConfig base = ExportFixtures.config("llama3-tiny");
      GgufLora.write(file, "x", ExportFixtures.adapter(zero, weights, arena, DOWN), base);
      PeftAdapter read = GgufLoraReader.read(file, base, arena);
      for (float value : product(read, DOWN)) {
        assertEquals(0, value);
      }
    }
  }

  @Test
  void shouldRefuseFilesThatAreNoLoraOfTheModel() throws IOException {
    DecoderConfig llama = ExportFixtures.config("llama3-tiny");
    Map<String, GgufValue> metadata = new TreeMap<>();
    metadata.put("general.architecture", GgufValue.text("llama"));
    refuses(metadata, List.of(), llama, "no LoRA");
    metadata.put("general.type", GgufValue.text("adapter"));
    metadata.put("adapter.type", GgufValue.text("lora"));
    refuses(metadata, List.of(), llama, "holds no factors");
    refuses(metadata, List.of(entry("blk.0.attn_q.weight", 8, 8)), llama, "no factor of a LoRA");
    refuses(metadata, List.of(entry("blk.0.nothing.weight.lora_a", 4, 64)), llama, "unknown");
    GgufWriter.Entry a = entry("blk.0.ffn_up.weight.lora_a", 4, 64);
    refuses(metadata, List.of(a), llama, "only one factor");
    GgufWriter.Entry wide = entry("blk.0.ffn_up.weight.lora_b", 160, 5);
    refuses(metadata, List.of(a, wide), llama, "different ranks");
    GgufWriter.Entry b = entry("blk.0.ffn_up.weight.lora_b", 160, 4);
    refuses(metadata, List.of(a, b), ExportFixtures.config("qwen2-tiny"), "made for a llama model");
    Path file = folder.resolve("good.gguf");
    GgufWriter.write(file, metadata, List.of(a, entry("blk.0.attn_norm.weight", 1, 64), b));
    try (Arena arena = new Arena("test")) {
      PeftAdapter read = GgufLoraReader.read(file, llama, arena);
      assertEquals("[model.layers.0.mlp.up_proj]", read.modules().toString());
      assertEquals(1, read.scale("model.layers.0.mlp.up_proj"));
    }
  }

  private void refuses(
      Map<String, GgufValue> metadata,
      List<GgufWriter.Entry> tensors,
      DecoderConfig base,
      String expected)
      throws IOException {
    Path file = folder.resolve("bad.gguf");
    GgufWriter.write(file, metadata, tensors);
    try (Arena arena = new Arena("test")) {
      SparktuneException e =
          assertThrows(SparktuneException.class, () -> GgufLoraReader.read(file, base, arena));
      assertTrue(e.getMessage().contains(expected), e.getMessage());
    }
  }

  private static GgufWriter.Entry entry(String name, long rows, long columns) {
    return new GgufWriter.Entry(
        name,
        GgmlType.F32,
        List.of(rows, columns),
        arena -> ExportFixtures.randomize(arena.allocate(DType.F32, rows, columns), 5));
  }

  /** {@code s·B·A}, row by row. */
  private static float[] product(PeftAdapter adapter, String module) {
    Tensor a = adapter.a(module);
    Tensor b = adapter.b(module);
    int rank = (int) a.shape()[0];
    int columns = (int) a.shape()[1];
    int rows = (int) b.shape()[0];
    float[] product = new float[rows * columns];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        double sum = 0;
        for (int r = 0; r < rank; r++) {
          sum +=
              (double) b.getFloat((long) row * rank + r) * a.getFloat((long) r * columns + column);
        }
        product[row * columns + column] = (float) (adapter.scale(module) * sum);
      }
    }
    return product;
  }

  private static void assertSameTensors(PeftAdapter expected, PeftAdapter actual) {
    assertEquals(expected.tensors().keySet(), actual.tensors().keySet());
    expected
        .tensors()
        .forEach(
            (name, tensor) ->
                assertArrayEquals(
                    tensor.toFloatArray(), actual.tensors().get(name).toFloatArray(), name));
  }

  private static byte[] bytes(GgufFile file, GgufTensor tensor) throws IOException {
    byte[] all = Files.readAllBytes(file.path());
    int start = (int) tensor.offset();
    return Arrays.copyOfRange(all, start, start + (int) tensor.byteSize());
  }

  /** The first number of a row of so many columns after the first row. */
  private static float little(byte[] bytes, int columns) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getFloat(columns * Float.BYTES);
  }
}
