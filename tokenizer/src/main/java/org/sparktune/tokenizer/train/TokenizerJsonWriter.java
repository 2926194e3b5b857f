package org.sparktune.tokenizer.train;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.bpe.ByteAlphabet;
import org.sparktune.tokenizer.split.Splitters;

/** Writes a trained vocabulary as a {@code tokenizer.json} of Qwen 2's kind. */
final class TokenizerJsonWriter {
  private static final int BYTES = 256;

  private TokenizerJsonWriter() {}

  static void write(Path file, List<MergeLearner.Merge> merges, List<String> specialTokens) {
    ObjectMapper json = new ObjectMapper();
    ObjectNode root = json.createObjectNode();
    root.put("version", "1.0").putNull("truncation").putNull("padding");
    addSpecialTokens(root.putArray("added_tokens"), BYTES + merges.size(), specialTokens);
    root.putObject("normalizer").put("type", "NFC");
    addPreTokenizer(root.putObject("pre_tokenizer"));
    addByteLevel(root.putObject("post_processor"));
    addByteLevel(root.putObject("decoder"));
    addModel(root.putObject("model"), merges);
    try {
      json.writer()
          .with(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
          .withDefaultPrettyPrinter()
          .writeValue(file.toFile(), root);
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.OUTPUT, "Cannot write " + file + ": " + e.getMessage() + ".", "", e);
    }
  }

  private static void addSpecialTokens(ArrayNode list, int firstId, List<String> specialTokens) {
    int id = firstId;
    for (String token : specialTokens) {
      list.addObject()
          .put("id", id++)
          .put("content", token)
          .put("single_word", false)
          .put("lstrip", false)
          .put("rstrip", false)
          .put("normalized", false)
          .put("special", true);
    }
  }

  private static void addPreTokenizer(ObjectNode preTokenizer) {
    ArrayNode parts = preTokenizer.put("type", "Sequence").putArray("pretokenizers");
    ObjectNode split = parts.addObject().put("type", "Split");
    split.putObject("pattern").put("Regex", Splitters.cl100kPattern(1));
    split.put("behavior", "Isolated").put("invert", false);
    addByteLevel(parts.addObject());
  }

  private static void addByteLevel(ObjectNode component) {
    component
        .put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", false)
        .put("use_regex", false);
  }

  private static void addModel(ObjectNode model, List<MergeLearner.Merge> merges) {
    model.put("type", "BPE").putNull("dropout").putNull("unk_token");
    model.put("continuing_subword_prefix", "").put("end_of_word_suffix", "");
    model.put("fuse_unk", false).put("byte_fallback", false).put("ignore_merges", false);
    ObjectNode vocabulary = model.putObject("vocab");
    ArrayNode list = model.putArray("merges");
    String[] tokens = new String[BYTES + merges.size()];
    for (int b = 0; b < BYTES; b++) {
      tokens[ByteAlphabet.rank(b)] = String.valueOf(ByteAlphabet.toCharacter(b));
    }
    for (int i = 0; i < merges.size(); i++) {
      MergeLearner.Merge merge = merges.get(i);
      String left = tokens[merge.left()];
      String right = tokens[merge.right()];
      tokens[BYTES + i] = left + right;
      list.add(left + " " + right);
    }
    for (int id = 0; id < tokens.length; id++) {
      vocabulary.put(tokens[id], id);
    }
  }
}
