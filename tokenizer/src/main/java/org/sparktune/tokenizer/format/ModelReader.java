package org.sparktune.tokenizer.format;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.sparktune.tokenizer.bpe.BpeDefinition;
import org.sparktune.tokenizer.bpe.MergeTable;
import org.sparktune.tokenizer.bpe.Symbols;

/** Reads the {@code model} of a {@code tokenizer.json}. */
final class ModelReader {
  private final ComponentReader fields;
  private final Map<String, Integer> ids = new HashMap<>();
  private final List<String> merges = new ArrayList<>();
  private String[] tokens = new String[0];

  /** Per token the rank of the first merge that makes it, or -1. */
  private int[] firstRanks = new int[0];

  ModelReader(ComponentReader fields) {
    this.fields = fields;
  }

  /** Ids by token. */
  Map<String, Integer> ids() {
    return ids;
  }

  /** Tokens by id. */
  String[] tokens() {
    return tokens;
  }

  /** The merges, "left right". */
  List<String> merges() {
    return merges;
  }

  /** Per token the rank of the first merge that makes it, or -1. */
  int[] firstRanks() {
    return firstRanks;
  }

  BpeDefinition read(JsonNode model, Symbols symbols) {
    String type = model.has("type") ? fields.text(model, "type") : "BPE";
    if (!type.equals("BPE")) {
      throw fields.unsupported("model", type);
    }
    for (String affix : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
      if (!model.path(affix).asText("").isEmpty() && !model.path(affix).isNull()) {
        throw fields.unsupported("model option", affix);
      }
    }
    if (model.path("dropout").asDouble(0) > 0) {
      throw fields.unsupported("model option", "dropout");
    }
    readVocabulary(fields.required(model, "vocab"));
    MergeTable table = readMerges(fields.required(model, "merges"));
    JsonNode unknown = model.path("unk_token");
    int unknownId = unknown.isTextual() ? ids.getOrDefault(unknown.textValue(), -1) : -1;
    return new BpeDefinition(
        tokens,
        symbols,
        table,
        fields.flag(model, "byte_fallback", false),
        unknownId,
        fields.flag(model, "fuse_unk", false),
        fields.flag(model, "ignore_merges", false));
  }

  private void readVocabulary(JsonNode vocabulary) {
    if (!vocabulary.isObject() || vocabulary.isEmpty()) {
      throw fields.malformed("its vocabulary is empty or no object");
    }
    int largest = 0;
    for (Iterator<Map.Entry<String, JsonNode>> it = vocabulary.fields(); it.hasNext(); ) {
      Map.Entry<String, JsonNode> entry = it.next();
      int id = entry.getValue().asInt(-1);
      if (id < 0 || id >= HuggingFaceReader.LARGEST_VOCABULARY) {
        throw fields.malformed("the token '" + entry.getKey() + "' has the id " + entry.getValue());
      }
      ids.put(entry.getKey(), id);
      largest = Math.max(largest, id);
    }
    tokens = new String[largest + 1];
    for (Map.Entry<String, Integer> entry : ids.entrySet()) {
      tokens[entry.getValue()] = entry.getKey();
    }
  }

  private MergeTable readMerges(JsonNode list) {
    if (!list.isArray()) {
      throw fields.malformed("its merges are no list");
    }
    MergeTable table = new MergeTable(list.size());
    firstRanks = new int[tokens.length];
    java.util.Arrays.fill(firstRanks, -1);
    int rank = 0;
    for (JsonNode merge : list) {
      String left;
      String right;
      if (merge.isArray() && merge.size() == 2) {
        left = merge.get(0).asText();
        right = merge.get(1).asText();
      } else {
        String text = merge.asText();
        int space = text.indexOf(' ');
        if (!merge.isTextual() || space < 1 || text.indexOf(' ', space + 1) >= 0) {
          throw fields.malformed("its merge number " + rank + " is no pair: " + merge);
        }
        left = text.substring(0, space);
        right = text.substring(space + 1);
      }
      int merged = tokenId(left + right, rank);
      table.put(tokenId(left, rank), tokenId(right, rank), rank, merged);
      if (firstRanks[merged] < 0) {
        firstRanks[merged] = rank;
      }
      merges.add(left + " " + right);
      rank++;
    }
    return table;
  }

  private int tokenId(String token, int rank) {
    Integer id = ids.get(token);
    if (id == null) {
      throw fields.malformed(
          "its merge number " + rank + " needs the token '" + token + "', which is not there");
    }
    return id;
  }
}
