package org.sparktune.trainer.modelfile.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.ElementConversion;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.AdapterExchange;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.DecoderTrainable;
import org.sparktune.trainer.model.Tuning;
import org.sparktune.trainer.modelfile.AdapterConfig;
import org.sparktune.trainer.modelfile.HuggingFaceFolder;
import org.sparktune.trainer.modelfile.PeftAdapter;

class AdapterMergeTest {
  private static final float TOLERANCE = 1e-4f;

  @ParameterizedTest
  @ValueSource(strings = {"lora", "lora-rs", "lora-dora", "lora-pattern", "lora-head"})
  void shouldComputeWhatModelAndAdapterCompute(String name) {
    try (Engine engine = Engines.open("fp32", 2, "cpu");
        Arena arena = new Arena("adapter");
        HuggingFaceFolder base = ExportFixtures.open("llama3-tiny")) {
      DecoderConfig config = ExportFixtures.config("llama3-tiny");
      PeftAdapter adapter =
          PeftAdapter.read(ExportFixtures.MODELS.resolve("llama3-tiny").resolve(name), arena);
      AdapterMerge merge = new AdapterMerge(base, config, adapter);
      float[] expected = adapted(config, base, engine, adapter);
      assertArrayEquals(expected, merged(merge, engine), TOLERANCE);
      assertNotEquals(0, difference(expected, plain(config, base, engine)), 0.1);
      assertEquals(config, merge.config());
    }
  }

  @ParameterizedTest
  @CsvSource({"qwen2-tiny, lm_head", "qwen3-tiny, embed_tokens", "phi3-tiny, lm_head"})
  void shouldUntieAHeadThatWasTrainedApart(String model, String saved) {
    AdapterConfig adapterConfig = ExportFixtures.adapterConfig(4, false, Map.of(), saved);
    try (Engine engine = Engines.open("fp32", 2, "cpu");
        HuggingFaceFolder base = ExportFixtures.open(model)) {
      DecoderConfig config = ExportFixtures.config(model);
      Tuning tuning = new Tuning.Lora(AdapterExchange.loraConfig(adapterConfig), 1);
      try (Arena arena = new Arena("adapter");
          Decoder decoder = Decoder.load(config, base, engine, tuning)) {
        DecoderTrainable trainable = new DecoderTrainable(decoder);
        ExportFixtures.randomize(trainable.parameters(), 11);
        trainable.parametersChanged();
        PeftAdapter adapter = AdapterExchange.export(trainable, "", arena);
        AdapterMerge merge = new AdapterMerge(base, config, adapter);
        assertEquals(false, merge.config().tiedEmbeddings());
        assertTrue(merge.names().contains("lm_head.weight"));
        assertArrayEquals(ExportFixtures.logits(decoder), merged(merge, engine), TOLERANCE);
      }
    }
  }

  @Test
  void shouldRoundOnceWhenReadAsBfloat() {
    try (Arena arena = new Arena("test");
        HuggingFaceFolder base = ExportFixtures.open("llama3-tiny")) {
      PeftAdapter adapter =
          PeftAdapter.read(ExportFixtures.MODELS.resolve("llama3-tiny/lora-dora"), arena);
      AdapterMerge merge = new AdapterMerge(base, ExportFixtures.config("llama3-tiny"), adapter);
      for (String name : merge.names()) {
        Tensor exact = arena.allocate(DType.F32, merge.shape(name));
        Tensor rounded = arena.allocate(DType.BF16, merge.shape(name));
        merge.read(name, exact);
        merge.read(name, rounded);
        for (long i = 0; i < exact.size(); i++) {
          assertEquals(
              ElementConversion.floatToBfloat(exact.getFloat(i)),
              Memory.getShort(rounded.address() + 2 * i),
              name);
        }
      }
    }
  }

  @Test
  void shouldRefuseAnAdapterThatDoesNotFit() {
    try (Arena arena = new Arena("test");
        HuggingFaceFolder llama = ExportFixtures.open("llama3-tiny");
        HuggingFaceFolder qwen = ExportFixtures.open("qwen2-tiny")) {
      PeftAdapter adapter =
          PeftAdapter.read(ExportFixtures.MODELS.resolve("llama3-tiny/lora"), arena);
      DecoderConfig qwenConfig = ExportFixtures.config("qwen2-tiny");
      refuses(() -> new AdapterMerge(qwen, qwenConfig, adapter), "64 × 160");
      DecoderConfig config = ExportFixtures.config("llama3-tiny");
      Map<String, Tensor> tensors = new TreeMap<>(adapter.tensors());
      tensors.put("score.weight", arena.allocate(DType.F32, 1, 64));
      PeftAdapter unknown = new PeftAdapter(adapter.config(), tensors);
      refuses(() -> new AdapterMerge(llama, config, unknown), "score.weight");
      tensors.remove("score.weight");
      tensors.put("lm_head.weight", arena.allocate(DType.F32, 511, 64));
      PeftAdapter small = new PeftAdapter(adapter.config(), tensors);
      refuses(() -> new AdapterMerge(llama, config, small), "[511, 64]");
    }
  }

  @Test
  void shouldLayTrainedTensorsOverAModel() {
    try (Arena arena = new Arena("test");
        HuggingFaceFolder base = ExportFixtures.open("llama3-tiny")) {
      String name = "model.norm.weight";
      Tensor trained = arena.allocate(DType.F32, 64);
      trained.setFloat(3, 0.25f);
      ReplacedWeights weights = new ReplacedWeights(base, Map.of(name, trained));
      Tensor read = arena.allocate(DType.F32, 64);
      weights.read(name, read);
      assertArrayEquals(trained.toFloatArray(), read.toFloatArray());
      assertEquals(base.names(), weights.names());
      trained.setFloat(5, Float.NaN);
      SparktuneException e = assertThrows(SparktuneException.class, () -> weights.read(name, read));
      assertTrue(e.getMessage().contains(name), e.getMessage());
      Map<String, Tensor> wrong = Map.of(name, arena.allocate(DType.F32, 63));
      refuses(() -> new ReplacedWeights(base, wrong), "[63]");
    }
  }

  private static void refuses(Runnable merge, String expected) {
    SparktuneException e = assertThrows(SparktuneException.class, merge::run);
    assertEquals(ErrorCode.MISMATCH, e.code());
    assertTrue(e.getMessage().contains(expected), e.getMessage());
  }

  private static float[] adapted(
      DecoderConfig config, HuggingFaceFolder base, Engine engine, PeftAdapter adapter) {
    Tuning tuning = new Tuning.Lora(AdapterExchange.loraConfig(adapter.config()), 1);
    try (Decoder decoder = Decoder.load(config, base, engine, tuning)) {
      new DecoderTrainable(decoder).load(adapter.tensors());
      return ExportFixtures.logits(decoder);
    }
  }

  private static float[] merged(AdapterMerge merge, Engine engine) {
    try (Decoder decoder = Decoder.load(merge.config(), merge, engine, new Tuning.Nothing())) {
      return ExportFixtures.logits(decoder);
    }
  }

  private static float[] plain(DecoderConfig config, HuggingFaceFolder base, Engine engine) {
    try (Decoder decoder = Decoder.load(config, base, engine, new Tuning.Nothing())) {
      return ExportFixtures.logits(decoder);
    }
  }

  private static double difference(float[] expected, float[] actual) {
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i] - actual[i]));
    }
    return largest;
  }
}
