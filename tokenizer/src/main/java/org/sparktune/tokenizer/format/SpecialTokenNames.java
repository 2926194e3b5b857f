package org.sparktune.tokenizer.format;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Which tokens begin, end and pad a sequence: as {@code tokenizer_config.json} and {@code
 * special_tokens_map.json} beside the tokenizer say, else by the names that models commonly use.
 */
final class SpecialTokenNames {
  private static final List<String> FILES =
      List.of("special_tokens_map.json", "tokenizer_config.json");
  private static final List<String> BEGIN = List.of("<|begin_of_text|>", "<s>", "<|endoftext|>");
  private static final List<String> END =
      List.of("<|eot_id|>", "<|im_end|>", "<|end_of_text|>", "</s>", "<|endoftext|>");
  private static final List<String> PAD =
      List.of("<pad>", "[PAD]", "<|finetune_right_pad_id|>", "<|endoftext|>");

  private final Map<String, JsonNode> values = new HashMap<>();
  private final boolean configured;

  private SpecialTokenNames(Path folder, ObjectMapper json) {
    boolean found = false;
    for (String name : FILES) {
      Path file = folder.resolve(name);
      if (!Files.isRegularFile(file)) {
        continue;
      }
      found = true;
      try {
        JsonNode content = json.readTree(file.toFile());
        content.fields().forEachRemaining(entry -> values.put(entry.getKey(), entry.getValue()));
      } catch (IOException e) {
        throw new ComponentReader(file).malformed("it is no JSON (" + JsonErrors.where(e) + ")");
      }
    }
    this.configured = found;
  }

  static SpecialTokenNames beside(Path tokenizer, ObjectMapper json) {
    return new SpecialTokenNames(tokenizer.toAbsolutePath().getParent(), json);
  }

  /** What the configuration says about a flag; {@code absent} if it says nothing. */
  boolean flag(String name, boolean absent) {
    JsonNode value = values.get(name);
    return (value == null || !value.isBoolean()) ? absent : value.booleanValue();
  }

  OptionalInt begin(Map<String, Integer> ids) {
    return find("bos_token", BEGIN, ids);
  }

  OptionalInt end(Map<String, Integer> ids) {
    return find("eos_token", END, ids);
  }

  OptionalInt pad(Map<String, Integer> ids) {
    return find("pad_token", PAD, ids);
  }

  private OptionalInt find(String field, List<String> common, Map<String, Integer> ids) {
    JsonNode value = values.get(field);
    if (value != null && value.isObject()) {
      value = value.get("content");
    }
    if (value != null && value.isTextual()) {
      Integer id = ids.get(value.textValue());
      return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }
    if (configured) {
      return OptionalInt.empty();
    }
    for (String name : common) {
      Integer id = ids.get(name);
      if (id != null) {
        return OptionalInt.of(id);
      }
    }
    return OptionalInt.empty();
  }
}
