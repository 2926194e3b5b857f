package org.sparktune.tokenizer.format;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.split.Splitters;

/** Reads fields of a {@code tokenizer.json} with errors that name the file and the component. */
final class ComponentReader {
  private final Path file;

  ComponentReader(Path file) {
    this.file = file;
  }

  Path file() {
    return file;
  }

  /** The components of a list that may be nested in components of type {@code Sequence}. */
  List<JsonNode> flatten(JsonNode component, String listField) {
    List<JsonNode> flat = new ArrayList<>();
    collect(component, listField, flat);
    return flat;
  }

  private void collect(JsonNode component, String listField, List<JsonNode> flat) {
    if (component == null || component.isNull() || component.isMissingNode()) {
      return;
    }
    if (type(component).equals("Sequence")) {
      for (JsonNode child : required(component, listField)) {
        collect(child, listField, flat);
      }
    } else {
      flat.add(component);
    }
  }

  String type(JsonNode component) {
    return text(component, "type");
  }

  String text(JsonNode component, String field) {
    JsonNode value = required(component, field);
    if (!value.isTextual()) {
      throw malformed("the field '" + field + "' is not a text");
    }
    return value.textValue();
  }

  boolean flag(JsonNode component, String field, boolean absent) {
    JsonNode value = component.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return absent;
    }
    if (!value.isBoolean()) {
      throw malformed("the field '" + field + "' is neither true nor false");
    }
    return value.booleanValue();
  }

  int number(JsonNode component, String field) {
    JsonNode value = required(component, field);
    if (!value.canConvertToInt()) {
      throw malformed("the field '" + field + "' is not an integer");
    }
    return value.intValue();
  }

  JsonNode required(JsonNode component, String field) {
    JsonNode value = component.get(field);
    if (value == null || value.isNull()) {
      throw malformed("the field '" + field + "' is missing");
    }
    return value;
  }

  /** A component's {@code pattern}: a literal text or a regular expression. */
  Pattern pattern(JsonNode component) {
    JsonNode pattern = required(component, "pattern");
    if (pattern.has("String")) {
      return Pattern.compile(Pattern.quote(text(pattern, "String")));
    }
    return regex(text(pattern, "Regex"));
  }

  Pattern regex(String expression) {
    try {
      return Splitters.compile(expression);
    } catch (PatternSyntaxException e) {
      throw unsupported("regular expression", expression);
    }
  }

  SparktuneException unsupported(String kind, String name) {
    return new SparktuneException(
        ErrorCode.UNSUPPORTED,
        "The " + kind + " '" + name + "' in " + file + " is not supported.",
        "Use a tokenizer of the Llama, Qwen, Phi or GPT-2 families.");
  }

  SparktuneException malformed(String what) {
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        "The tokenizer " + file + " is damaged: " + what + ".",
        "Download or copy the file again.");
  }
}
