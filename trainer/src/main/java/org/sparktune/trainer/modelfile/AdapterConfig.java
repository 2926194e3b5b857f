package org.sparktune.trainer.modelfile;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * PEFT's {@code adapter_config.json} of a LoRA.
 *
 * @param baseModel what the adapter was trained on, or empty
 * @param taskType such as {@code CAUSAL_LM}
 * @param rank r
 * @param alpha the numerator of the scale
 * @param dropout used in training
 * @param targetModules names of modules; a single entry with {@code targetIsPattern} is a regular
 *     expression or {@code all-linear}
 * @param targetIsPattern whether {@code target_modules} is a string rather than a list
 * @param useRslora whether the scale is alpha/√r
 * @param useDora whether there are magnitude vectors
 * @param rankPattern ranks of modules by pattern, in the file's order
 * @param alphaPattern alphas of modules by pattern, in the file's order
 * @param modulesToSave modules saved whole
 */
public record AdapterConfig(
    String baseModel,
    String taskType,
    int rank,
    double alpha,
    double dropout,
    List<String> targetModules,
    boolean targetIsPattern,
    boolean useRslora,
    boolean useDora,
    Map<String, Integer> rankPattern,
    Map<String, Double> alphaPattern,
    List<String> modulesToSave) {

  /** The name of the file in an adapter folder. */
  public static final String FILE_NAME = "adapter_config.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Options of PEFT that change what an adapter computes and that are not read here. */
  private static final List<String> UNSUPPORTED =
      List.of(
          "alora_invocation_tokens",
          "arrow_config",
          "exclude_modules",
          "layer_replication",
          "layers_to_transform",
          "lora_bias",
          "target_parameters",
          "trainable_token_indices",
          "use_bdlora",
          "use_qalora",
          "fan_in_fan_out");

  /** Copies the collections, keeping their order. */
  public AdapterConfig {
    targetModules = List.copyOf(targetModules);
    rankPattern = new LinkedHashMap<>(rankPattern);
    alphaPattern = new LinkedHashMap<>(alphaPattern);
    modulesToSave = List.copyOf(modulesToSave);
  }

  /**
   * Reads a file.
   *
   * @throws SparktuneException BAD_FILE when it is no LoRA's configuration, UNSUPPORTED when it
   *     asks for what is not read here
   */
  public static AdapterConfig read(Path file) {
    try {
      return parse(file.toString(), Files.readString(file));
    } catch (IOException e) {
      throw broken(file.toString(), "cannot be read", e);
    }
  }

  /**
   * Reads a text.
   *
   * @param file where it stands, for messages
   * @throws SparktuneException as {@link #read}
   */
  public static AdapterConfig parse(String file, String text) {
    JsonNode node;
    try {
      node = JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw broken(file, "is not JSON (" + e.getOriginalMessage() + ")", e);
    }
    if (!node.path("peft_type").asText().equals("LORA")) {
      throw broken(
          file,
          "has peft_type \"%s\", not \"LORA\"".formatted(node.path("peft_type").asText()),
          null);
    }
    refuseUnsupported(file, node);
    if (!node.path("r").canConvertToInt()
        || node.get("r").intValue() < 1
        || !node.path("lora_alpha").isNumber()) {
      throw broken(file, "has no rank r or no lora_alpha", null);
    }
    JsonNode targets = node.path("target_modules");
    Map<String, Integer> ranks = new LinkedHashMap<>();
    node.path("rank_pattern")
        .fields()
        .forEachRemaining(e -> ranks.put(e.getKey(), e.getValue().asInt()));
    Map<String, Double> alphas = new LinkedHashMap<>();
    node.path("alpha_pattern")
        .fields()
        .forEachRemaining(e -> alphas.put(e.getKey(), e.getValue().asDouble()));
    return new AdapterConfig(
        node.path("base_model_name_or_path").asText(""),
        node.path("task_type").asText("CAUSAL_LM"),
        node.get("r").intValue(),
        node.get("lora_alpha").doubleValue(),
        node.path("lora_dropout").asDouble(0),
        targets.isTextual() ? List.of(targets.asText()) : texts(targets),
        targets.isTextual(),
        node.path("use_rslora").asBoolean(false),
        node.path("use_dora").asBoolean(false),
        ranks,
        alphas,
        texts(node.path("modules_to_save")));
  }

  /** The file's text as PEFT writes it: keys sorted, two spaces of indentation. */
  public String toJson() {
    ObjectNode node = JSON.createObjectNode();
    TreeMap<String, JsonNode> sorted = new TreeMap<>();
    ObjectNode ranks = JSON.createObjectNode();
    rankPattern.forEach(ranks::put);
    ObjectNode alphas = JSON.createObjectNode();
    alphaPattern.forEach((pattern, value) -> alphas.set(pattern, number(value)));
    ArrayNode targets = JSON.createArrayNode();
    targetModules.forEach(targets::add);
    ArrayNode saved = JSON.createArrayNode();
    modulesToSave.forEach(saved::add);
    sorted.put("alpha_pattern", alphas);
    sorted.put(
        "base_model_name_or_path",
        baseModel.isEmpty() ? node.nullNode() : node.textNode(baseModel));
    sorted.put("bias", node.textNode("none"));
    sorted.put("fan_in_fan_out", node.booleanNode(false));
    sorted.put("inference_mode", node.booleanNode(true));
    sorted.put("init_lora_weights", node.booleanNode(true));
    sorted.put("lora_alpha", number(alpha));
    sorted.put("lora_dropout", node.numberNode(dropout));
    sorted.put("modules_to_save", modulesToSave.isEmpty() ? node.nullNode() : saved);
    sorted.put("peft_type", node.textNode("LORA"));
    sorted.put("r", node.numberNode(rank));
    sorted.put("rank_pattern", ranks);
    sorted.put("target_modules", targetIsPattern ? node.textNode(targetModules.get(0)) : targets);
    sorted.put("task_type", node.textNode(taskType));
    sorted.put("use_dora", node.booleanNode(useDora));
    sorted.put("use_rslora", node.booleanNode(useRslora));
    node.setAll(sorted);
    try {
      return JSON.writer(new Printer()).writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** As {@link #toJson}, in one line. */
  public String toLine() {
    try {
      return JSON.readTree(toJson()).toString();
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void refuseUnsupported(String file, JsonNode node) {
    for (String key : UNSUPPORTED) {
      JsonNode value = node.path(key);
      boolean unset =
          value.isMissingNode()
              || value.isNull()
              || (value.isBoolean() && !value.booleanValue())
              || (value.isContainerNode() && value.isEmpty());
      if (!unset) {
        throw new SparktuneException(
            ErrorCode.UNSUPPORTED,
            "The adapter configuration %s sets %s to %s, which is not supported."
                .formatted(file, key, value),
            "Merge the adapter with PEFT first, or train one without this option.");
      }
    }
    if (!node.path("bias").asText("none").equals("none")) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "The adapter configuration %s trains biases (bias: %s), which is not supported."
              .formatted(file, node.path("bias").asText()),
          "Train an adapter with bias: none.");
    }
  }

  private static JsonNode number(double value) {
    return value == Math.rint(value)
        ? JSON.getNodeFactory().numberNode((long) value)
        : JSON.getNodeFactory().numberNode(value);
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(element -> texts.add(element.asText()));
    return texts;
  }

  private static SparktuneException broken(String file, String problem, Exception cause) {
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        "The adapter configuration %s %s.".formatted(file, problem),
        "Give a folder that PEFT or sparktune wrote a LoRA to.",
        cause);
  }

  /** Python's {@code json.dumps(indent=2)}. */
  private static final class Printer extends DefaultPrettyPrinter {
    private static final long serialVersionUID = 1L;

    Printer() {
      DefaultIndenter indenter = new DefaultIndenter("  ", "\n");
      indentArraysWith(indenter);
      indentObjectsWith(indenter);
    }

    @Override
    public Printer createInstance() {
      return new Printer();
    }

    @Override
    public void writeObjectFieldValueSeparator(JsonGenerator generator) throws IOException {
      generator.writeRaw(": ");
    }
  }
}
