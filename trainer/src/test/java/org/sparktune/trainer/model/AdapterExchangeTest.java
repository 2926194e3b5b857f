package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.modelfile.PeftAdapter;

class AdapterExchangeTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"lora", "lora-rs", "lora-dora", "lora-pattern", "lora-head"})
  void shouldComputeTheSameAfterARoundTripThroughFiles(String name) throws IOException {
    ReferenceModel model = new ReferenceModel("llama3-tiny");
    try (Engine engine = EngineKind.CPU_F32.open();
        Arena arena = new Arena("adapter")) {
      PeftAdapter adapter = PeftAdapter.read(model.folder().resolve(name), arena);
      LoraConfig config = AdapterExchange.loraConfig(adapter.config());
      float[] before = logProbs(model, engine, config, adapter);
      DecoderTrainable trainable = trainable(model, engine, config, adapter);
      AdapterExchange.export(trainable, "base", arena).write(folder);
      trainable.decoder().close();
      PeftAdapter again = PeftAdapter.read(folder, arena);
      assertEquals("base", again.config().baseModel());
      LoraConfig read = AdapterExchange.loraConfig(again.config());
      assertArrayEquals(before, logProbs(model, engine, read, again));
    }
  }

  @Test
  void shouldExpressLayerPoliciesAsPatterns() {
    LoraConfig plain = LoraConfig.of(4, 8, new TargetModules.AllLinear());
    LoraConfig config =
        new LoraConfig(
            4,
            8,
            0,
            plain.targets(),
            false,
            false,
            Map.of(),
            Map.of(),
            List.of(),
            LoraConfig.Initialization.KAIMING_UNIFORM,
            List.of(
                new LayerPolicy("model.layers.0.mlp", true, 0),
                new LayerPolicy("k_proj", false, 2)));
    ReferenceModel model = new ReferenceModel("llama3-tiny");
    try (Engine engine = EngineKind.CPU_F32.open();
        Arena arena = new Arena("adapter");
        Decoder decoder = model.load(engine, new Tuning.Lora(config, 1))) {
      DecoderTrainable trainable = new DecoderTrainable(decoder);
      PeftAdapter adapter = AdapterExchange.export(trainable, "", arena);
      LoraConfig read = AdapterExchange.loraConfig(adapter.config());
      for (String module :
          List.of(
              "model.layers.0.mlp.up_proj",
              "model.layers.1.mlp.up_proj",
              "model.layers.1.self_attn.k_proj",
              "model.layers.0.self_attn.q_proj")) {
        assertEquals(config.factors(module), read.factors(module), module);
      }
    }
  }

  private static float[] logProbs(
      ReferenceModel model, Engine engine, LoraConfig config, PeftAdapter adapter) {
    DecoderTrainable trainable = trainable(model, engine, config, adapter);
    float[] logProbs = trainable.decoder().scores(model.batch().batch(), Passage.PLAIN);
    trainable.decoder().close();
    return logProbs;
  }

  private static DecoderTrainable trainable(
      ReferenceModel model, Engine engine, LoraConfig config, PeftAdapter adapter) {
    Decoder decoder = model.load(engine, new Tuning.Lora(config, 1));
    DecoderTrainable trainable = new DecoderTrainable(decoder);
    trainable.load(adapter.tensors());
    return trainable;
  }
}
