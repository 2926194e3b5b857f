package org.sparktune.tokenizer.format;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.PatternSyntaxException;
import org.sparktune.tokenizer.split.Behavior;
import org.sparktune.tokenizer.split.Splitter;
import org.sparktune.tokenizer.split.SplitterChain;
import org.sparktune.tokenizer.split.Splitters;
import org.sparktune.tokenizer.text.SpacePrefix;
import org.sparktune.tokenizer.text.SpacePrefix.Scheme;

/** Reads the {@code pre_tokenizer} of a {@code tokenizer.json}. */
final class PreTokenizerReader {
  private final ComponentReader fields;
  private final List<Splitter> splitters = new ArrayList<>();
  private SpacePrefix spacePrefix = SpacePrefix.NONE;
  private boolean byteLevel;

  PreTokenizerReader(ComponentReader fields) {
    this.fields = fields;
  }

  void read(JsonNode component) {
    for (JsonNode preTokenizer : fields.flatten(component, "pretokenizers")) {
      String type = fields.type(preTokenizer);
      if (byteLevel) {
        // What comes after ByteLevel would see the byte alphabet instead of the text.
        throw fields.unsupported("pre-tokenizer after ByteLevel", type);
      }
      switch (type) {
        case "ByteLevel" -> readByteLevel(preTokenizer);
        case "Split" -> splitters.add(readSplit(preTokenizer));
        case "Digits" ->
            splitters.add(Splitters.digits(fields.flag(preTokenizer, "individual_digits", false)));
        case "Metaspace" -> readMetaspace(preTokenizer);
        default -> throw fields.unsupported("pre-tokenizer", type);
      }
    }
  }

  boolean isByteLevel() {
    return byteLevel;
  }

  /** What llama.cpp calls this way of cutting words. */
  String ggufName() {
    return Splitters.ggufName(splitters);
  }

  SpacePrefix spacePrefix() {
    return spacePrefix;
  }

  SplitterChain splitters() {
    return new SplitterChain(splitters);
  }

  private void readByteLevel(JsonNode preTokenizer) {
    byteLevel = true;
    if (fields.flag(preTokenizer, "add_prefix_space", true)) {
      setSpacePrefix(new SpacePrefix(' ', Scheme.ALWAYS), "ByteLevel with add_prefix_space");
    }
    if (fields.flag(preTokenizer, "use_regex", true)) {
      splitters.add(Splitters.gpt2());
    }
  }

  private void readMetaspace(JsonNode preTokenizer) {
    String replacement = fields.text(preTokenizer, "replacement");
    if (replacement.length() != 1) {
      throw fields.unsupported("Metaspace replacement", replacement);
    }
    Scheme scheme = metaspaceScheme(fields, preTokenizer);
    setSpacePrefix(new SpacePrefix(replacement.charAt(0), scheme), "Metaspace");
    if (fields.flag(preTokenizer, "split", true)) {
      splitters.add(Splitters.literal(replacement, Behavior.MERGED_WITH_NEXT, false));
    }
  }

  static Scheme metaspaceScheme(ComponentReader fields, JsonNode metaspace) {
    if (!metaspace.has("prepend_scheme")) {
      return fields.flag(metaspace, "add_prefix_space", true) ? Scheme.ALWAYS : Scheme.NEVER;
    }
    String scheme = fields.text(metaspace, "prepend_scheme");
    return switch (scheme) {
      case "always" -> Scheme.ALWAYS;
      case "first" -> Scheme.FIRST;
      case "never" -> Scheme.NEVER;
      default -> throw fields.unsupported("Metaspace prepend_scheme", scheme);
    };
  }

  private void setSpacePrefix(SpacePrefix prefix, String component) {
    if (!splitters.isEmpty() || !spacePrefix.isNone()) {
      throw fields.unsupported("pre-tokenizer behind another one", component);
    }
    spacePrefix = prefix;
  }

  private Splitter readSplit(JsonNode split) {
    JsonNode pattern = fields.required(split, "pattern");
    Behavior behavior = behavior(fields.text(split, "behavior"));
    boolean invert = fields.flag(split, "invert", false);
    if (pattern.has("String")) {
      return Splitters.literal(fields.text(pattern, "String"), behavior, invert);
    }
    String expression = fields.text(pattern, "Regex");
    try {
      return Splitters.regex(expression, behavior, invert);
    } catch (PatternSyntaxException e) {
      throw fields.unsupported("regular expression", expression);
    }
  }

  private Behavior behavior(String name) {
    return switch (name) {
      case "Removed" -> Behavior.REMOVED;
      case "Isolated" -> Behavior.ISOLATED;
      case "MergedWithPrevious" -> Behavior.MERGED_WITH_PREVIOUS;
      case "MergedWithNext" -> Behavior.MERGED_WITH_NEXT;
      case "Contiguous" -> Behavior.CONTIGUOUS;
      default -> throw fields.unsupported("Split behavior", name);
    };
  }
}
