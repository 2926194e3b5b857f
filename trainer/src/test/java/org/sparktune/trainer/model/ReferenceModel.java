package org.sparktune.trainer.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/** A tiny model of {@code reference/hf} and what transformers and PEFT computed on it. */
record ReferenceModel(String name) {
  /** Rows and columns of the padded reference batch. */
  static final int ROWS = 3;

  static final int COLUMNS = 24;

  Path folder() {
    try {
      return Path.of(ReferenceModel.class.getResource("/reference/hf/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  ReferenceTensors tensors(String file) {
    return ReferenceTensors.open(folder().resolve(file + ".safetensors"));
  }

  DecoderConfig config() {
    return HuggingFaceConfig.read(folder().resolve("config.json"));
  }

  Decoder load(Engine engine, Tuning tuning) {
    return Decoder.load(config(), tensors("model"), engine, tuning);
  }

  /** The reference batch without its padding, and where each position lies in the padded one. */
  record Unpadded(Batch batch, int[] paddedPositions) {}

  /** The reference batch: labels are shifted by one to become targets. */
  Unpadded batch() {
    ReferenceTensors reference = tensors("reference");
    int[] ids = reference.ints("input_ids");
    int[] mask = reference.ints("attention_mask");
    int[] labels = reference.ints("labels");
    List<Integer> positions = new ArrayList<>();
    List<Integer> starts = new ArrayList<>();
    for (int row = 0; row < ROWS; row++) {
      starts.add(positions.size());
      for (int column = 0; column < COLUMNS; column++) {
        if (mask[row * COLUMNS + column] == 1) {
          positions.add(row * COLUMNS + column);
        }
      }
    }
    starts.add(positions.size());
    int[] padded = positions.stream().mapToInt(Integer::intValue).toArray();
    int[] tokens = Arrays.stream(padded).map(position -> ids[position]).toArray();
    int[] targets =
        Arrays.stream(padded)
            .map(p -> (p + 1) % COLUMNS == 0 ? Batch.IGNORED : labels[p + 1])
            .toArray();
    int[] documentStarts = starts.stream().mapToInt(Integer::intValue).toArray();
    return new Unpadded(new Batch(tokens, targets, documentStarts), padded);
  }

  /** The LoRA configuration of an adapter folder. */
  LoraConfig loraConfig(String adapter) {
    try {
      JsonNode node =
          new ObjectMapper()
              .readTree(Files.readString(folder().resolve(adapter).resolve("adapter_config.json")));
      Map<String, Integer> ranks = new TreeMap<>();
      node.get("rank_pattern")
          .fields()
          .forEachRemaining(e -> ranks.put(e.getKey(), e.getValue().intValue()));
      Map<String, Double> alphas = new TreeMap<>();
      node.get("alpha_pattern")
          .fields()
          .forEachRemaining(e -> alphas.put(e.getKey(), e.getValue().doubleValue()));
      return new LoraConfig(
          node.get("r").intValue(),
          node.get("lora_alpha").doubleValue(),
          0,
          new TargetModules.Named(texts(node.get("target_modules"))),
          node.get("use_rslora").booleanValue(),
          node.get("use_dora").booleanValue(),
          ranks,
          alphas,
          texts(node.get("modules_to_save")),
          LoraConfig.Initialization.KAIMING_UNIFORM,
          List.of());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The model with an adapter, ready to be trained. */
  DecoderTrainable withAdapter(Engine engine, String adapter) {
    Decoder decoder = load(engine, new Tuning.Lora(loraConfig(adapter), 1));
    DecoderTrainable trainable = new DecoderTrainable(decoder);
    ReferenceTensors saved = tensors(adapter + "/adapter_model");
    try (Arena arena = new Arena("adapter")) {
      Map<String, Tensor> values = new TreeMap<>();
      for (String name : saved.names()) {
        Tensor value = arena.allocate(DType.F32, saved.shape(name));
        saved.read(name, value);
        values.put(name.replace("base_model.model.", ""), value);
      }
      trainable.load(values);
    }
    return trainable;
  }

  private static List<String> texts(JsonNode node) {
    List<String> texts = new ArrayList<>();
    node.forEach(element -> texts.add(element.textValue()));
    return texts;
  }

  @Override
  public String toString() {
    return name;
  }
}
