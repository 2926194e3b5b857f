package org.sparktune.trainer.modelfile.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.TokenizerVocabulary;
import org.sparktune.tokenizer.Tokenizers;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.GgufConfig;
import org.sparktune.trainer.model.HuggingFaceConfig;
import org.sparktune.trainer.model.RopeScaling;
import org.sparktune.trainer.modelfile.GgufModel;
import org.sparktune.trainer.modelfile.HuggingFaceFolder;
import org.sparktune.trainer.modelfile.PeftAdapter;
import org.sparktune.trainer.modelfile.WeightSource;

class HuggingFaceFolderWriterTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path temporary;

  @ParameterizedTest
  @CsvSource({"F32, float32, 0", "BF16, bfloat16, 0.004", "F16, float16, 0.0005"})
  void shouldWriteAMergedFolder(DType type, String dtype, double relative) throws IOException {
    Path source = copyOf("llama3-tiny");
    Files.writeString(source.resolve("tokenizer.json"), "{}");
    Files.writeString(source.resolve("chat_template.jinja"), "{{ messages }}");
    Files.writeString(source.resolve("modeling.py"), "");
    Path folder = temporary.resolve("merged");
    try (Arena arena = new Arena("test");
        HuggingFaceFolder base = HuggingFaceFolder.open(source)) {
      DecoderConfig config = ExportFixtures.config("llama3-tiny");
      PeftAdapter adapter =
          PeftAdapter.read(ExportFixtures.MODELS.resolve("llama3-tiny/lora"), arena);
      AdapterMerge merge = new AdapterMerge(base, config, adapter);
      List<String> notes = HuggingFaceFolderWriter.write(folder, base, merge.config(), merge, type);
      assertTrue(notes.isEmpty());
      assertEquals(
          List.of("chat_template.jinja", "config.json", "model.safetensors", "tokenizer.json"),
          files(folder));
      assertEquals(
          dtype, JSON.readTree(folder.resolve("config.json").toFile()).get("dtype").asText());
      assertEquals(config, HuggingFaceConfig.read(folder.resolve("config.json")));
      assertSame(merge, folder, relative, arena);
      assertEquals(List.of("merged", "source"), files(temporary));
    }
  }

  @Test
  void shouldCutLargeModelsIntoShards() throws IOException {
    Path folder = Files.createDirectories(temporary.resolve("shards"));
    try (Arena arena = new Arena("test");
        HuggingFaceFolder base = ExportFixtures.open("qwen2-tiny")) {
      DecoderConfig config = ExportFixtures.config("qwen2-tiny");
      HuggingFaceFolderWriter.write(folder, base, config, base, DType.F32, 150_000);
      JsonNode index = JSON.readTree(folder.resolve("model.safetensors.index.json").toFile());
      long shards = files(folder).stream().filter(f -> f.endsWith(".safetensors")).count();
      assertTrue(shards > 2, "shards: " + shards);
      assertTrue(files(folder).contains("model-00001-of-%05d.safetensors".formatted(shards)));
      assertEquals(4 * config.parameters(), index.get("metadata").get("total_size").asLong());
      assertSame(base, folder, 0, arena);
    }
  }

  @Test
  void shouldSayThatAHeadIsNoLongerTied() throws IOException {
    Path folder = temporary.resolve("untied");
    try (Arena arena = new Arena("test");
        HuggingFaceFolder base = ExportFixtures.open("qwen2-tiny")) {
      DecoderConfig config = ExportFixtures.config("qwen2-tiny");
      Tensor head = arena.allocate(DType.F32, base.shape("model.embed_tokens.weight"));
      PeftAdapter adapter =
          new PeftAdapter(
              ExportFixtures.adapterConfig(4, false, Map.of(), "lm_head"),
              Map.of("lm_head.weight", ExportFixtures.randomize(head, 3)));
      AdapterMerge merge = new AdapterMerge(base, config, adapter);
      HuggingFaceFolderWriter.write(folder, base, merge.config(), merge, DType.F32);
      assertFalse(HuggingFaceConfig.read(folder.resolve("config.json")).tiedEmbeddings());
      assertSame(merge, folder, 0, arena);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"llama3-tiny", "qwen2-tiny", "qwen3-tiny", "phi3-tiny", "phi3-longrope-tiny"})
  void shouldMakeAFolderOfAGgufFile(String model) throws IOException {
    DecoderConfig config = ExportFixtures.config(model);
    Path file = temporary.resolve("model.gguf");
    Path folder = temporary.resolve("folder");
    try (Arena arena = new Arena("test");
        HuggingFaceFolder original = ExportFixtures.open(model)) {
      GgufExport.write(
          file, model, config, original, GgmlType.F32, vocabulary(), Optional.of("{{ messages }}"));
      try (GgufModel base = GgufModel.open(file)) {
        DecoderConfig read = GgufConfig.read(base.gguf(), base);
        List<String> notes = HuggingFaceFolderWriter.write(folder, base, read, base, DType.F32);
        assertEquals(List.of(), notes);
      }
      Tokenizer tokens = Tokenizers.load(folder);
      assertEquals(Tokenizers.load(file).fingerprint(), tokens.fingerprint());
      assertArrayEquals(new int[] {510, 511, 511}, tokens.encode("t11", true));
      DecoderConfig written = HuggingFaceConfig.read(folder.resolve("config.json"));
      assertSameShape(config, written);
      assertSame(original, folder, 0, arena);
      JsonNode tokenizer = JSON.readTree(folder.resolve("tokenizer_config.json").toFile());
      assertEquals("{{ messages }}", tokenizer.get("chat_template").asText());
      assertEquals("t2", tokenizer.get("eos_token").asText());
      JsonNode generation = JSON.readTree(folder.resolve("generation_config.json").toFile());
      assertEquals(2, generation.get("eos_token_id").asInt());
    }
  }

  @Test
  void shouldRefuseFrequenciesThatNoRuleMakes() {
    DecoderConfig config = ExportFixtures.config("llama3-tiny");
    RopeScaling.Divisors divisors = new RopeScaling.Divisors(List.of(1.0, 3.0, 2.0, 5.0));
    SparktuneException e =
        assertThrows(SparktuneException.class, () -> Llama3Divisors.recognize(divisors, config));
    assertEquals(ErrorCode.UNSUPPORTED, e.code());
  }

  @Test
  void shouldFindTheSettingsOfLlamaAgain() {
    DecoderConfig tiny = ExportFixtures.config("llama3-tiny");
    DecoderConfig config =
        new DecoderConfig(
            tiny.architecture(),
            512,
            1024,
            2048,
            2,
            8,
            2,
            128,
            131_072,
            1e-5f,
            true,
            false,
            false,
            false,
            tiny.windows(),
            500_000,
            new RopeScaling.Llama3(32, 1, 4, 8192));
    double[] plain = new RopeScaling.None().frequencies(500_000, 128, 0);
    double[] scaled = config.ropeScaling().frequencies(500_000, 128, 0);
    List<Double> divisors = new ArrayList<>();
    for (int i = 0; i < plain.length; i++) {
      divisors.add((double) (float) (plain[i] / scaled[i]));
    }
    assertEquals(
        config.ropeScaling(), Llama3Divisors.recognize(new RopeScaling.Divisors(divisors), config));
  }

  @Test
  void shouldLeaveNothingBehindWhenItFails() throws IOException {
    Path folder = Files.createDirectories(temporary.resolve("full"));
    Files.writeString(folder.resolve("mine.txt"), "keep");
    try (Arena arena = new Arena("test");
        HuggingFaceFolder base = ExportFixtures.open("llama3-tiny")) {
      DecoderConfig config = ExportFixtures.config("llama3-tiny");
      SparktuneException e =
          assertThrows(
              SparktuneException.class,
              () -> HuggingFaceFolderWriter.write(folder, base, config, base, DType.F32));
      assertEquals(ErrorCode.OUTPUT, e.code());
      assertEquals(List.of("mine.txt"), files(folder));
      Tensor large = arena.allocate(DType.F32, 64);
      large.setFloat(7, 70_000);
      WeightSource weights = new ReplacedWeights(base, Map.of("model.norm.weight", large));
      Path other = temporary.resolve("other");
      e =
          assertThrows(
              SparktuneException.class,
              () -> HuggingFaceFolderWriter.write(other, base, config, weights, DType.F16));
      assertTrue(e.getMessage().contains("model.norm.weight"), e.getMessage());
      assertEquals(List.of("full"), files(temporary));
    }
  }

  private static void assertSameShape(DecoderConfig expected, DecoderConfig actual) {
    // GGUF keeps divisors as 32-bit numbers; so few frequencies may follow from several settings.
    assertEquals(expected.ropeScaling().getClass(), actual.ropeScaling().getClass());
    assertArrayEquals(
        expected.ropeScaling().frequencies(expected.ropeTheta(), expected.headSize(), 100),
        actual.ropeScaling().frequencies(actual.ropeTheta(), actual.headSize(), 100),
        1e-6);
    assertEquals(
        expected.ropeScaling().attentionFactor(), actual.ropeScaling().attentionFactor(), 1e-6);
    assertEquals(expected.architecture(), actual.architecture());
    assertEquals(expected.parameters(), actual.parameters());
    assertEquals(expected.headSize(), actual.headSize());
    assertEquals(expected.heads(), actual.heads());
    assertEquals(expected.keyValueHeads(), actual.keyValueHeads());
    assertEquals(expected.maxPositions(), actual.maxPositions());
    assertEquals(expected.normEpsilon(), actual.normEpsilon());
    assertEquals(expected.tiedEmbeddings(), actual.tiedEmbeddings());
    assertEquals(expected.windows(), actual.windows());
    assertEquals(expected.ropeTheta(), actual.ropeTheta());
  }

  private static void assertSame(WeightSource expected, Path folder, double relative, Arena arena) {
    try (HuggingFaceFolder actual = HuggingFaceFolder.open(folder)) {
      List<String> names = new ArrayList<>(expected.names());
      Collections.sort(names);
      assertEquals(names, List.copyOf(actual.names()));
      for (String name : names) {
        Tensor left = arena.allocate(DType.F32, expected.shape(name));
        Tensor right = arena.allocate(DType.F32, actual.shape(name));
        expected.read(name, left);
        actual.read(name, right);
        for (long i = 0; i < left.size(); i++) {
          double tolerance = relative * Math.abs(left.getFloat(i)) + (relative == 0 ? 0 : 1e-7);
          assertEquals(left.getFloat(i), right.getFloat(i), tolerance, name);
        }
      }
    }
  }

  private Path copyOf(String model) throws IOException {
    Path source = Files.createDirectories(temporary.resolve("source"));
    for (String file : List.of("config.json", "model.safetensors")) {
      Files.copy(ExportFixtures.MODELS.resolve(model).resolve(file), source.resolve(file));
    }
    return source;
  }

  private static List<String> files(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  private static TokenizerVocabulary vocabulary() {
    List<String> tokens = new ArrayList<>();
    int[] types = new int[512];
    for (int id = 0; id < types.length; id++) {
      tokens.add("t" + id);
      types[id] = TokenizerVocabulary.NORMAL;
    }
    tokens.set(510, "t");
    tokens.set(511, "1");
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
