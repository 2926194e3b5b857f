package org.sparktune.tokenizer.format;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.sparktune.tokenizer.TokenizerDefinition;
import org.sparktune.tokenizer.TokenizerVocabulary;
import org.sparktune.tokenizer.bpe.BpeDefinition;
import org.sparktune.tokenizer.bpe.BpeModel;
import org.sparktune.tokenizer.bpe.Symbols;
import org.sparktune.tokenizer.text.AddedToken;

/** Reads Hugging Face's {@code tokenizer.json} and the small files beside it. */
public final class HuggingFaceReader {
  /** Ids from here on are taken for damage. */
  static final int LARGEST_VOCABULARY = 1 << 24;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final ComponentReader fields;
  private final SpecialTokenNames names;

  private HuggingFaceReader(Path file) {
    this.fields = new ComponentReader(file);
    this.names = SpecialTokenNames.beside(file, JSON);
  }

  /**
   * Reads a {@code tokenizer.json}.
   *
   * @throws org.sparktune.core.SparktuneException if the file is damaged or holds a component that
   *     is not supported
   */
  public static TokenizerDefinition read(Path file) {
    return new HuggingFaceReader(file).readAll();
  }

  private TokenizerDefinition readAll() {
    JsonNode root = parse();
    PreTokenizerReader preTokenizer = new PreTokenizerReader(fields);
    preTokenizer.read(root.get("pre_tokenizer"));
    Symbols symbols = preTokenizer.isByteLevel() ? Symbols.BYTES : Symbols.CODE_POINTS;
    ModelReader model = new ModelReader(fields);
    BpeDefinition definition = model.read(fields.required(root, "model"), symbols);
    List<AddedToken> added = readAdded(root.path("added_tokens"), model.ids());
    PostProcessorReader postProcessor = new PostProcessorReader(fields);
    postProcessor.read(root.get("post_processor"));
    String[] tokens = allTokens(model.tokens(), added);
    int[] types = types(tokens, added, definition);
    OptionalInt begin = names.begin(model.ids());
    OptionalInt end = names.end(model.ids());
    int[] prefix = postProcessor.prefix();
    if (!root.hasNonNull("post_processor")
        && names.flag("add_bos_token", false)
        && begin.isPresent()) {
      prefix = new int[] {begin.getAsInt()};
    }
    for (int id : prefix) {
      checkId(id, tokens);
    }
    int[] suffix = postProcessor.suffix();
    for (int id : suffix) {
      checkId(id, tokens);
    }
    boolean byteLevel = symbols == Symbols.BYTES;
    TokenizerVocabulary exported =
        new TokenizerVocabulary(
            byteLevel ? "gpt2" : "llama",
            byteLevel ? preTokenizer.ggufName() : "default",
            List.of(tokens),
            types,
            byteLevel ? new float[0] : scores(tokens.length, model.firstRanks()),
            byteLevel ? model.merges() : List.of(),
            begin,
            end,
            definition.unknownId() < 0
                ? OptionalInt.empty()
                : OptionalInt.of(definition.unknownId()),
            names.pad(model.ids()),
            prefix.length > 0,
            suffix.length > 0,
            !byteLevel);
    return new TokenizerDefinition(
        definition,
        new NormalizerReader(fields).read(root.get("normalizer")),
        preTokenizer.spacePrefix(),
        preTokenizer.splitters(),
        added,
        prefix,
        suffix,
        postProcessor.trimOffsets(),
        new DecoderReader(fields).read(root.get("decoder")),
        exported);
  }

  private JsonNode parse() {
    JsonNode root;
    try {
      root = JSON.readTree(fields.file().toFile());
    } catch (IOException e) {
      throw fields.malformed("it is no JSON (" + JsonErrors.where(e) + ")");
    }
    if (root == null || !root.isObject()) {
      throw fields.malformed("it is no JSON object");
    }
    return root;
  }

  private List<AddedToken> readAdded(JsonNode list, Map<String, Integer> ids) {
    List<AddedToken> added = new ArrayList<>();
    for (JsonNode token : list) {
      String content = fields.text(token, "content");
      int id = ids.getOrDefault(content, fields.number(token, "id"));
      if (id < 0 || id >= LARGEST_VOCABULARY) {
        throw fields.malformed("the added token '" + content + "' has the id " + id);
      }
      ids.put(content, id);
      boolean special = fields.flag(token, "special", false);
      added.add(
          new AddedToken(
              id,
              content,
              special,
              fields.flag(token, "normalized", !special),
              fields.flag(token, "single_word", false),
              fields.flag(token, "lstrip", false),
              fields.flag(token, "rstrip", false)));
    }
    return added;
  }

  /** The vocabulary with added tokens; gaps get GGUF's spelling of an unused token. */
  private static String[] allTokens(String[] model, List<AddedToken> added) {
    int size = model.length;
    for (AddedToken token : added) {
      size = Math.max(size, token.id() + 1);
    }
    String[] tokens = Arrays.copyOf(model, size);
    for (AddedToken token : added) {
      tokens[token.id()] = token.content();
    }
    for (int id = 0; id < size; id++) {
      if (tokens[id] == null) {
        tokens[id] = "[PAD" + id + "]";
      }
    }
    return tokens;
  }

  private static int[] types(String[] tokens, List<AddedToken> added, BpeDefinition definition) {
    int[] types = new int[tokens.length];
    Arrays.fill(types, TokenizerVocabulary.UNUSED);
    for (int id = 0; id < definition.tokens().length; id++) {
      if (definition.tokens()[id] != null) {
        boolean isByte =
            definition.byteFallback() && BpeModel.fallbackByte(definition.tokens()[id]) >= 0;
        types[id] = isByte ? TokenizerVocabulary.BYTE : TokenizerVocabulary.NORMAL;
      }
    }
    for (AddedToken token : added) {
      types[token.id()] =
          token.special() ? TokenizerVocabulary.CONTROL : TokenizerVocabulary.USER_DEFINED;
    }
    if (definition.unknownId() >= 0) {
      types[definition.unknownId()] = TokenizerVocabulary.UNKNOWN;
    }
    return types;
  }

  /** Scores that put merges by score in the order of the merges: minus the first merge's rank. */
  private static float[] scores(int size, int[] firstRanks) {
    float[] scores = new float[size];
    for (int id = 0; id < firstRanks.length; id++) {
      scores[id] = firstRanks[id] < 0 ? 0 : -(firstRanks[id] + 1);
    }
    return scores;
  }

  private void checkId(int id, String[] tokens) {
    if (id < 0 || id >= tokens.length) {
      throw fields.malformed("its template names the id " + id + ", which is no token");
    }
  }
}
