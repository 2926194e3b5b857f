package org.sparktune.tokenizer;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.sparktune.tokenizer.train.BpeTrainer;

/** Small tokenizers of both families, made on the spot. */
final class SmallTokenizers {
  private static final ObjectMapper JSON = new ObjectMapper();

  private SmallTokenizers() {}

  /** Byte-level BPE as Qwen 2 has it, trained on awkward text. */
  static Path byteLevel(Path folder) {
    Path file = folder.resolve("byte-level.json");
    new BpeTrainer(900, List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
        .count(AdversarialText.mixtures(31, 3000, 20).iterator())
        .write(file);
    return file;
  }

  /** SentencePiece BPE with byte fallback as Llama 2 has it. */
  static Path sentencePiece(Path folder) {
    Path file = folder.resolve("sentence-piece.json");
    try {
      JSON.writeValue(file.toFile(), sentencePieceJson());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file;
  }

  static ObjectNode sentencePieceJson() {
    ObjectNode root = JSON.createObjectNode();
    ArrayNode added = root.putArray("added_tokens");
    String[] special = {"<unk>", "<s>", "</s>"};
    for (int id = 0; id < special.length; id++) {
      added.addObject().put("id", id).put("content", special[id]).put("special", true);
      ((ObjectNode) added.get(id)).put("normalized", false).put("single_word", false);
      ((ObjectNode) added.get(id)).put("lstrip", false).put("rstrip", id == 2);
    }
    ObjectNode normalizer = root.putObject("normalizer").put("type", "Sequence");
    ArrayNode normalizers = normalizer.putArray("normalizers");
    normalizers.addObject().put("type", "Prepend").put("prepend", "▁");
    ObjectNode replace = normalizers.addObject().put("type", "Replace").put("content", "▁");
    replace.putObject("pattern").put("String", " ");
    root.putNull("pre_tokenizer");
    addTemplate(root.putObject("post_processor"));
    addDecoder(root.putObject("decoder"));
    addModel(root.putObject("model"), special);
    return root;
  }

  private static void addTemplate(ObjectNode template) {
    template.put("type", "TemplateProcessing");
    for (String side : List.of("single", "pair")) {
      ArrayNode parts = template.putArray(side);
      parts.addObject().putObject("SpecialToken").put("id", "<s>").put("type_id", 0);
      parts.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
      if (side.equals("pair")) {
        parts.addObject().putObject("Sequence").put("id", "B").put("type_id", 1);
      }
    }
    ObjectNode begin = template.putObject("special_tokens").putObject("<s>").put("id", "<s>");
    begin.putArray("ids").add(1);
    begin.putArray("tokens").add("<s>");
  }

  private static void addDecoder(ObjectNode decoder) {
    ArrayNode decoders = decoder.put("type", "Sequence").putArray("decoders");
    ObjectNode replace = decoders.addObject().put("type", "Replace").put("content", " ");
    replace.putObject("pattern").put("String", "▁");
    decoders.addObject().put("type", "ByteFallback");
    decoders.addObject().put("type", "Fuse");
    decoders.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
  }

  private static void addModel(ObjectNode model, String[] special) {
    model.put("type", "BPE").putNull("dropout").put("unk_token", "<unk>").put("fuse_unk", true);
    model.put("byte_fallback", true);
    List<String> tokens = new ArrayList<>(List.of(special));
    for (int b = 0; b < 256; b++) {
      tokens.add(String.format("<0x%02X>", b));
    }
    String letters = "▁abcdehlorstuwxy0123456789'!.你好世界мирпв😀";
    letters.codePoints().mapToObj(Character::toString).forEach(tokens::add);
    String[] merged = {
      "▁▁", "he", "ll", "▁he", "llo", "▁hello", "wo", "rl", "世界", "ми", "▁ми", "lo", "12"
    };
    String[][] splits = {
      {"▁", "▁"},
      {"h", "e"},
      {"l", "l"},
      {"▁", "he"},
      {"ll", "o"},
      {"▁he", "llo"},
      {"w", "o"},
      {"r", "l"},
      {"世", "界"},
      {"м", "и"},
      {"▁", "ми"},
      {"l", "o"},
      {"1", "2"}
    };
    tokens.addAll(List.of(merged));
    ObjectNode vocabulary = model.putObject("vocab");
    for (String token : tokens) {
      vocabulary.put(token, vocabulary.size());
    }
    ArrayNode merges = model.putArray("merges");
    for (String[] split : splits) {
      merges.addArray().add(split[0]).add(split[1]);
    }
  }
}
