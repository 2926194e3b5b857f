package org.sparktune.trainer.modelfile.export;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.HuggingFaceConfig;
import org.sparktune.trainer.modelfile.AdapterConfig;
import org.sparktune.trainer.modelfile.HuggingFaceFolder;
import org.sparktune.trainer.modelfile.PeftAdapter;
import org.sparktune.trainer.modelfile.WeightSource;

/** Tiny models and adapters for the tests of this package. */
final class ExportFixtures {
  static final Path MODELS = Path.of("src/test/resources/reference/hf");

  private static final int TOKENS = 40;

  private ExportFixtures() {}

  static HuggingFaceFolder open(String model) {
    return HuggingFaceFolder.open(MODELS.resolve(model));
  }

  static DecoderConfig config(String model) {
    return HuggingFaceConfig.read(MODELS.resolve(model).resolve("config.json"));
  }

  /** The configuration of an adapter on all linear modules, alpha 8. */
  static AdapterConfig adapterConfig(
      int rank, boolean rslora, Map<String, Integer> ranks, String... saved) {
    return new AdapterConfig(
        "",
        "CAUSAL_LM",
        rank,
        8,
        0,
        List.of("all-linear"),
        true,
        rslora,
        false,
        ranks,
        Map.of(),
        List.of(saved));
  }

  /** An adapter with random factors for some modules. */
  static PeftAdapter adapter(
      AdapterConfig config, WeightSource model, Arena arena, String... modules) {
    Map<String, Tensor> tensors = new TreeMap<>();
    for (String module : modules) {
      int rank = config.rankPattern().getOrDefault(module, config.rank());
      long[] shape = model.shape(module + ".weight");
      Tensor a = arena.allocate(DType.F32, rank, shape[1]);
      Tensor b = arena.allocate(DType.F32, shape[0], rank);
      tensors.put(module + ".lora_A.weight", randomize(a, module.hashCode()));
      tensors.put(module + ".lora_B.weight", randomize(b, -module.hashCode()));
    }
    return new PeftAdapter(config, tensors);
  }

  static Tensor randomize(Tensor tensor, long seed) {
    Random random = new Random(seed);
    for (long i = 0; i < tensor.size(); i++) {
      tensor.setFloat(i, (float) (0.1 * random.nextGaussian()));
    }
    return tensor;
  }

  /** All logits of two made-up documents, {@code (N, V)}. */
  static float[] logits(Decoder decoder) {
    int[] tokens = IntStream.range(0, TOKENS).map(i -> 3 + i * 37 % 500).toArray();
    int[] targets = new int[TOKENS];
    Arrays.fill(targets, Batch.IGNORED);
    try (Arena arena = new Arena("logits")) {
      Tensor logits = arena.allocate(DType.F32, TOKENS, decoder.config().vocabularySize());
      decoder.logits(
          new Batch(tokens, targets, new int[] {0, 13, TOKENS}),
          IntStream.range(0, TOKENS).toArray(),
          logits);
      return logits.toFloatArray();
    }
  }
}
