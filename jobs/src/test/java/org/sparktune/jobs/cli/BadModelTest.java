package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.SafetensorsWriter;

/** Model files and adapters that something is wrong with. */
class BadModelTest {
  private static final int GGUF_F32 = 0;
  private static final int GGUF_STRING = 8;

  @TempDir private Path folder;
  private Path model;

  @BeforeEach
  void writeModel() throws IOException {
    model = TinyModel.write(folder.resolve("model"));
  }

  @Test
  void shouldRefuseAFileThatIsNoGguf() throws IOException {
    Path file = Files.writeString(folder.resolve("wrong.gguf"), "PK, certainly not a model file");
    generate(file).requireFailure(ErrorCode.BAD_FILE, file.toString());
  }

  @Test
  void shouldRefuseATruncatedGguf() throws IOException {
    byte[] whole = gguf("token_embd.weight", GGUF_F32, 0, 4096);
    for (int length : new int[] {0, 3, 20, 60}) {
      Path file = Files.write(folder.resolve("cut.gguf"), Arrays.copyOf(whole, length));
      generate(file).requireFailure(ErrorCode.BAD_FILE, file.toString());
    }
  }

  @Test
  void shouldRefuseAGgufTensorPastTheEnd() throws IOException {
    Path file =
        Files.write(
            folder.resolve("short.gguf"), gguf("token_embd.weight", GGUF_F32, 1 << 20, 4096));
    generate(file)
        .requireFailure(ErrorCode.BAD_FILE, file.toString(), "token_embd.weight", "bytes");
  }

  @Test
  void shouldNameTheTensorOfAnUnknownBlockType() throws IOException {
    Path file = Files.write(folder.resolve("new.gguf"), gguf("token_embd.weight", 77, 0, 4096));
    CommandRun run = generate(file);
    assertEquals(false, run.status() == 0);
    run.requireFailure(ErrorCode.BAD_FILE, file.toString(), "token_embd.weight", "77");
  }

  @Test
  void shouldRefuseASafetensorsHeaderThatLies() throws IOException {
    Path file = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 4));
    generate(model).requireFailure(ErrorCode.BAD_FILE, file.toString());
    byte[] long64 = bytes.clone();
    ByteBuffer.wrap(long64).order(ByteOrder.LITTLE_ENDIAN).putLong(0, Long.MAX_VALUE);
    Files.write(file, long64);
    generate(model).requireFailure(ErrorCode.BAD_FILE, file.toString(), "header");
    Files.write(file, new byte[0]);
    generate(model).requireFailure(ErrorCode.BAD_FILE, file.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"hidden_size", "num_hidden_layers", "vocab_size", "model_type"})
  void shouldNameTheKeyThatConfigJsonLacks(String key) throws IOException {
    TinyModel.setJson(model.resolve("config.json"), key, null);
    CommandRun run = generate(model);
    assertEquals(false, run.status() == 0);
    run.requireFailure(ErrorCode.BAD_FILE, "config.json", key);
  }

  @Test
  void shouldRefuseAConfigJsonThatIsNoJson() throws IOException {
    Files.writeString(model.resolve("config.json"), "{\"model_type\": ");
    generate(model).requireFailure(ErrorCode.BAD_FILE, "config.json");
  }

  @Test
  void shouldRefuseWeightsThatDoNotFitTheConfiguration() throws IOException {
    TinyModel.setJson(model.resolve("config.json"), "intermediate_size", 64);
    generate(model).requireFailure(ErrorCode.MISMATCH, "mlp", "configuration");
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void shouldRefuseWeightsThatAreNotFinite(float value) throws IOException {
    for (String bad : new String[] {"model.layers.1.mlp.down_proj.weight", "model.norm.weight"}) {
      Path broken =
          TinyModel.write(
              folder.resolve("broken"),
              (name, tensor) -> {
                if (name.equals(bad)) {
                  tensor.setFloat(5, value);
                }
              });
      generate(broken).requireFailure(ErrorCode.BAD_FILE, bad, Float.toString(value), "5");
    }
  }

  @Test
  void shouldRefuseATokenizerThatIsLargerThanTheModel() throws IOException {
    Path file = model.resolve("tokenizer.json");
    ObjectMapper json = new ObjectMapper();
    var tokenizer = (com.fasterxml.jackson.databind.node.ObjectNode) json.readTree(file.toFile());
    var vocabulary =
        (com.fasterxml.jackson.databind.node.ObjectNode) tokenizer.get("model").get("vocab");
    for (int i = 0; i < 40; i++) {
      vocabulary.put("more" + i, 2000 + i);
    }
    json.writeValue(file.toFile(), tokenizer);
    generate(model).requireFailure(ErrorCode.MISMATCH, "tokenizer", "vocabulary");
  }

  @Test
  void shouldRefuseAModelWithoutATokenizer() throws IOException {
    Files.delete(model.resolve("tokenizer.json"));
    generate(model).requireFailure(ErrorCode.BAD_FILE, model.toString(), "tokenizer");
  }

  @Test
  void shouldRefuseAnAdapterWhoseShapesDoNotFit() throws IOException {
    Path adapter = adapter(2, 33, 0.1f);
    CommandRun.in(
            folder,
            "generate",
            "--model",
            model,
            "--adapter",
            adapter,
            "--prompt",
            "What",
            "--json")
        .requireFailure(ErrorCode.MISMATCH, "q_proj");
  }

  @Test
  void shouldRefuseAnAdapterThatIsNotFinite() throws IOException {
    Path adapter = adapter(2, 32, Float.NaN);
    CommandRun.in(
            folder,
            "generate",
            "--model",
            model,
            "--adapter",
            adapter,
            "--prompt",
            "What",
            "--json")
        .requireFailure(ErrorCode.BAD_FILE, "q_proj", "NaN");
  }

  @Test
  void shouldRefuseAFolderThatIsNoAdapter() {
    CommandRun.in(
            folder, "generate", "--model", model, "--adapter", model, "--prompt", "What", "--json")
        .requireFailure(ErrorCode.BAD_FILE, "adapter_config.json");
  }

  @Test
  void shouldRefuseAModelThatIsNotThere() {
    generate(folder.resolve("nowhere")).requireFailure(ErrorCode.BAD_FILE, "nowhere");
  }

  private CommandRun generate(Path path) {
    CommandRun run =
        CommandRun.in(folder, "generate", "--model", path, "--prompt", "What is", "--json");
    assertEquals("", run.out());
    return run;
  }

  /** A PEFT folder with one pair of factors, filled with one value. */
  private Path adapter(int rank, int inputs, float value) throws IOException {
    Path adapter = Files.createDirectories(folder.resolve("adapter"));
    Files.writeString(
        adapter.resolve("adapter_config.json"),
        """
        {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": %d, "lora_alpha": 4,
         "target_modules": ["q_proj"], "bias": "none"}
        """
            .formatted(rank));
    try (Arena arena = new Arena("the adapter of a test")) {
      String module = "base_model.model.model.layers.%d.self_attn.q_proj.";
      Map<String, Tensor> tensors = new java.util.TreeMap<>();
      for (int layer = 0; layer < 2; layer++) {
        Tensor down = arena.allocate(DType.F32, rank, inputs);
        Tensor up = arena.allocate(DType.F32, 32, rank);
        for (long i = 0; i < up.size(); i++) {
          up.setFloat(i, value);
        }
        tensors.put(module.formatted(layer) + "lora_A.weight", down);
        tensors.put(module.formatted(layer) + "lora_B.weight", up);
      }
      SafetensorsWriter.write(adapter.resolve("adapter_model.safetensors"), tensors);
    }
    return adapter;
  }

  /** A GGUF of a Llama with one tensor of 32 × 32 values. */
  private static byte[] gguf(String tensor, int type, long offset, int dataBytes) {
    ByteBuffer out = ByteBuffer.allocate(1024 + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(0x46554747).putInt(3).putLong(1).putLong(1);
    text(out, "general.architecture");
    out.putInt(GGUF_STRING);
    text(out, "llama");
    text(out, tensor);
    out.putInt(2).putLong(32).putLong(32).putInt(type).putLong(offset);
    out.position((out.position() + 31) / 32 * 32 + dataBytes);
    return Arrays.copyOf(out.array(), out.position());
  }

  private static void text(ByteBuffer out, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.putLong(bytes.length).put(bytes);
  }
}
