package org.sparktune.jobs.training;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.HuggingFaceFolder;
import org.sparktune.trainer.modelfile.SafetensorsWriter;

/**
 * A fully trained model as a Hugging Face folder: trained tensors in F32 as they are, frozen ones
 * as the base has them, and the base's tokenizer and configuration.
 */
final class ModelOutput {
  private static final String CONFIG = "config.json";
  private static final String SCORE_HEAD = "score.weight";
  private static final String LANGUAGE_HEAD = "lm_head.weight";

  /** What belongs to a model beside weights and configuration. */
  private static final List<String> COMPANIONS =
      List.of(
          "tokenizer.json",
          "tokenizer.model",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.json",
          "merges.txt",
          "chat_template.jinja",
          "generation_config.json");

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private ModelOutput() {}

  /** Writes the folder; it appears complete or not at all. */
  static void write(HuggingFaceFolder base, Map<String, Tensor> trained, Path folder) {
    Map<String, SafetensorsWriter.Entry> entries = new TreeMap<>();
    try (Arena arena = new Arena("frozen tensors on their way to " + folder.getFileName())) {
      Set<String> names = new TreeSet<>(base.names());
      names.addAll(trained.keySet());
      if (trained.containsKey(SCORE_HEAD)) {
        names.remove(LANGUAGE_HEAD);
      }
      for (String name : names) {
        long[] shape = trained.containsKey(name) ? trained.get(name).shape() : base.shape(name);
        entries.put(
            name,
            new SafetensorsWriter.Entry(
                DType.F32,
                shape,
                () -> trained.containsKey(name) ? trained.get(name) : frozen(base, name, arena)));
      }
      Path temporary = Folders.temporary(folder);
      SafetensorsWriter.write(
          temporary.resolve("model.safetensors"), entries, Map.of("format", "pt"));
      copyCompanions(base.path(), temporary, trained.containsKey(SCORE_HEAD));
      Folders.replace(temporary, folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Tensor frozen(HuggingFaceFolder base, String name, Arena arena) {
    Tensor values = arena.allocate(DType.F32, base.shape(name));
    base.read(name, values);
    return values;
  }

  /** What transformers looks for in a model that gives a sequence one score. */
  private static void describeRewardModel(ObjectNode config) {
    String language = config.path("architectures").path(0).asText();
    String classifier = language.replace("ForCausalLM", "ForSequenceClassification");
    config.putArray("architectures").add(classifier);
    config.putObject("id2label").put("0", "LABEL_0");
    config.putObject("label2id").put("LABEL_0", 0);
  }

  private static void copyCompanions(Path base, Path folder, boolean reward) throws IOException {
    ObjectNode config = (ObjectNode) JSON.readTree(base.resolve(CONFIG).toFile());
    config.remove("dtype");
    config.put("torch_dtype", "float32");
    if (reward) {
      describeRewardModel(config);
    }
    JSON.writeValue(folder.resolve(CONFIG).toFile(), config);
    for (String name : COMPANIONS) {
      if (Files.isRegularFile(base.resolve(name))) {
        Files.copy(base.resolve(name), folder.resolve(name));
      }
    }
  }
}
