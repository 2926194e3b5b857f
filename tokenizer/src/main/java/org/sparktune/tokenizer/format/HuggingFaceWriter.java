package org.sparktune.tokenizer.format;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.TokenizerVocabulary;
import org.sparktune.tokenizer.text.AddedToken;

/**
 * Writes a vocabulary of GGUF's form as Hugging Face's {@code tokenizer.json}: what {@link
 * VocabularyAssembler} makes of it, spelled as components.
 */
public final class HuggingFaceWriter {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SPACE_SIGN = "\u2581";

  private final TokenizerVocabulary vocabulary;
  private final boolean byteLevel;
  private final ObjectNode root = JSON.createObjectNode();

  private HuggingFaceWriter(TokenizerVocabulary vocabulary) {
    this.vocabulary = vocabulary;
    this.byteLevel = vocabulary.model().equals("gpt2");
  }

  /**
   * Writes the file.
   *
   * @param added tokens that are found in the text before anything else, in the order of their ids
   * @throws SparktuneException if the file cannot be written
   */
  public static void write(TokenizerVocabulary vocabulary, List<AddedToken> added, Path file) {
    HuggingFaceWriter writer = new HuggingFaceWriter(vocabulary);
    writer.make(added);
    try {
      JSON.writerWithDefaultPrettyPrinter().writeValue(file.toFile(), writer.root);
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "Cannot write %s: %s.".formatted(file, e.getMessage()),
          "Check the folder's permissions and the disk's free space.",
          e);
    }
  }

  /**
   * Whether the file gives every text the ids that the vocabulary gives it. It does not quite where
   * scores tie, since there the leftmost token merges first and in the file an order must be given.
   */
  public static boolean isExact(TokenizerVocabulary vocabulary) {
    return vocabulary.model().equals("gpt2") || !ScoredMerges.anyTie(vocabulary);
  }

  private void make(List<AddedToken> added) {
    root.put("version", "1.0").putNull("truncation").putNull("padding");
    addTokens(root.putArray("added_tokens"), added);
    if (byteLevel) {
      PreTokenizerNames words = PreTokenizerNames.of(vocabulary.preTokenizer());
      if (words.composes()) {
        root.putObject("normalizer").put("type", "NFC");
      } else {
        root.putNull("normalizer");
      }
      addWords(root.putObject("pre_tokenizer"), words);
      addPostProcessor();
      addByteLevel(root.putObject("decoder"));
      addModel(vocabulary.merges(), words.wholeWordsFirst());
    } else {
      addSpaceSigns(root.putObject("normalizer"));
      root.putNull("pre_tokenizer");
      addPostProcessor();
      addSentencePieceDecoder(root.putObject("decoder"));
      addModel(ScoredMerges.listed(vocabulary), false);
    }
  }

  private static void addTokens(ArrayNode list, List<AddedToken> added) {
    for (AddedToken token : added) {
      list.addObject()
          .put("id", token.id())
          .put("content", token.content())
          .put("single_word", token.singleWord())
          .put("lstrip", token.stripLeft())
          .put("rstrip", token.stripRight())
          .put("normalized", token.normalized())
          .put("special", token.special());
    }
  }

  private static void addWords(ObjectNode preTokenizer, PreTokenizerNames words) {
    ArrayNode parts = preTokenizer.put("type", "Sequence").putArray("pretokenizers");
    for (String expression : words.expressions()) {
      ObjectNode split = parts.addObject().put("type", "Split");
      split.putObject("pattern").put("Regex", expression);
      split.put("behavior", "Isolated").put("invert", false);
    }
    addByteLevel(parts.addObject());
  }

  private static void addByteLevel(ObjectNode component) {
    component
        .put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", false)
        .put("use_regex", false);
  }

  private void addSpaceSigns(ObjectNode normalizer) {
    ArrayNode normalizers = normalizer.put("type", "Sequence").putArray("normalizers");
    if (vocabulary.addSpacePrefix()) {
      normalizers.addObject().put("type", "Prepend").put("prepend", SPACE_SIGN);
    }
    addReplacement(normalizers.addObject(), " ", SPACE_SIGN);
  }

  private void addSentencePieceDecoder(ObjectNode decoder) {
    ArrayNode decoders = decoder.put("type", "Sequence").putArray("decoders");
    addReplacement(decoders.addObject(), SPACE_SIGN, " ");
    decoders.addObject().put("type", "ByteFallback");
    decoders.addObject().put("type", "Fuse");
    if (vocabulary.addSpacePrefix()) {
      decoders.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
    }
  }

  private static void addReplacement(ObjectNode component, String from, String to) {
    component.put("type", "Replace").putObject("pattern").put("String", from);
    component.put("content", to);
  }

  private void addPostProcessor() {
    OptionalInt begin = vocabulary.addBos() ? vocabulary.bosId() : OptionalInt.empty();
    OptionalInt end = vocabulary.addEos() ? vocabulary.eosId() : OptionalInt.empty();
    if (begin.isEmpty() && end.isEmpty()) {
      if (byteLevel) {
        addByteLevel(root.putObject("post_processor"));
      } else {
        root.putNull("post_processor");
      }
      return;
    }
    ObjectNode template = root.putObject("post_processor").put("type", "TemplateProcessing");
    ArrayNode single = template.putArray("single");
    addSequence(single, begin, end, "A", 0);
    ArrayNode pair = template.putArray("pair");
    addSequence(pair, begin, end, "A", 0);
    addSequence(pair, begin, end, "B", 1);
    ObjectNode tokens = template.putObject("special_tokens");
    begin.ifPresent(id -> addTemplateToken(tokens, id));
    end.ifPresent(id -> addTemplateToken(tokens, id));
  }

  private void addSequence(
      ArrayNode parts, OptionalInt begin, OptionalInt end, String name, int type) {
    begin.ifPresent(id -> addPart(parts, "SpecialToken", vocabulary.tokens().get(id), type));
    addPart(parts, "Sequence", name, type);
    end.ifPresent(id -> addPart(parts, "SpecialToken", vocabulary.tokens().get(id), type));
  }

  private static void addPart(ArrayNode parts, String kind, String id, int type) {
    parts.addObject().putObject(kind).put("id", id).put("type_id", type);
  }

  private void addTemplateToken(ObjectNode tokens, int id) {
    String token = vocabulary.tokens().get(id);
    ObjectNode node = tokens.putObject(token).put("id", token);
    node.putArray("ids").add(id);
    node.putArray("tokens").add(token);
  }

  private void addModel(List<String> merges, boolean wholeWordsFirst) {
    ObjectNode model = root.putObject("model").put("type", "BPE").putNull("dropout");
    if (!byteLevel && vocabulary.unknownId().isPresent()) {
      model.put("unk_token", vocabulary.tokens().get(vocabulary.unknownId().getAsInt()));
    } else {
      model.putNull("unk_token");
    }
    model.putNull("continuing_subword_prefix").putNull("end_of_word_suffix");
    model.put("fuse_unk", !byteLevel).put("byte_fallback", !byteLevel);
    model.put("ignore_merges", wholeWordsFirst);
    ObjectNode ids = model.putObject("vocab");
    // Special tokens too: a reader numbers added tokens that are not in here anew.
    for (int id = 0; id < vocabulary.sizeWithoutFiller(); id++) {
      String token = vocabulary.tokens().get(id);
      if (!ids.has(token)) {
        ids.put(token, id);
      }
    }
    ArrayNode list = model.putArray("merges");
    merges.forEach(list::add);
  }
}
