package org.sparktune.tokenizer.format;

import java.nio.file.Path;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.TokenizerDefinition;
import org.sparktune.tokenizer.TokenizerVocabulary;
import org.sparktune.tokenizer.bpe.BpeDefinition;
import org.sparktune.tokenizer.bpe.MergeTable;
import org.sparktune.tokenizer.bpe.Symbols;
import org.sparktune.tokenizer.decode.DecoderSettings;
import org.sparktune.tokenizer.split.SplitterChain;
import org.sparktune.tokenizer.text.AddedToken;
import org.sparktune.tokenizer.text.NormalizerChain;
import org.sparktune.tokenizer.text.Normalizers;
import org.sparktune.tokenizer.text.SpacePrefix;

/** Makes a tokenizer of a vocabulary as GGUF and SentencePiece files hold it. */
final class VocabularyAssembler {
  private final TokenizerVocabulary vocabulary;
  private final Path file;

  /** Whether special tokens take the white space behind them, as Phi-3's do. */
  private final boolean specialTokensStripRight;

  VocabularyAssembler(TokenizerVocabulary vocabulary, Path file, boolean specialTokensStripRight) {
    this.vocabulary = vocabulary;
    this.file = file;
    this.specialTokensStripRight = specialTokensStripRight;
  }

  TokenizerDefinition assemble() {
    return vocabulary.model().equals("gpt2") ? byteLevel() : sentencePiece();
  }

  private TokenizerDefinition byteLevel() {
    PreTokenizerNames words = PreTokenizerNames.of(vocabulary.preTokenizer());
    BpeDefinition model =
        new BpeDefinition(
            textTokens(), Symbols.BYTES, listedMerges(), false, -1, false, words.wholeWordsFirst());
    NormalizerChain normalizers =
        words.composes()
            ? new NormalizerChain(List.of(Normalizers.unicode(Form.NFC)))
            : NormalizerChain.NONE;
    return define(model, normalizers, words.splitters(), DecoderSettings.BYTE_LEVEL);
  }

  private TokenizerDefinition sentencePiece() {
    BpeDefinition model =
        new BpeDefinition(
            textTokens(),
            Symbols.CODE_POINTS,
            ScoredMerges.of(vocabulary),
            true,
            vocabulary.unknownId().orElse(-1),
            true,
            false);
    NormalizerChain normalizers =
        new NormalizerChain(
            vocabulary.addSpacePrefix()
                ? List.of(Normalizers.prepend("\u2581"), Normalizers.replace(" ", "\u2581"))
                : List.of(Normalizers.replace(" ", "\u2581")));
    return define(
        model,
        normalizers,
        SplitterChain.NONE,
        DecoderSettings.sentencePiece(vocabulary.addSpacePrefix() ? 1 : 0));
  }

  private TokenizerDefinition define(
      BpeDefinition model,
      NormalizerChain normalizers,
      SplitterChain splitters,
      DecoderSettings decoder) {
    int[] prefix = vocabulary.addBos() ? vocabulary.bosId().stream().toArray() : new int[0];
    int[] suffix = vocabulary.addEos() ? vocabulary.eosId().stream().toArray() : new int[0];
    return new TokenizerDefinition(
        model,
        normalizers,
        SpacePrefix.NONE,
        splitters,
        addedTokens(),
        prefix,
        suffix,
        false,
        decoder,
        vocabulary);
  }

  private List<AddedToken> addedTokens() {
    List<AddedToken> added = new ArrayList<>();
    for (int id = 0; id < vocabulary.tokens().size(); id++) {
      int type = vocabulary.tokenTypes()[id];
      String token = vocabulary.tokens().get(id);
      boolean unknown =
          vocabulary.unknownId().isPresent() && vocabulary.unknownId().getAsInt() == id;
      boolean special = type == TokenizerVocabulary.CONTROL || unknown;
      if ((special || type == TokenizerVocabulary.USER_DEFINED) && !token.isEmpty()) {
        boolean strips =
            specialTokensStripRight
                && !unknown
                && !token.equals("<s>")
                && !token.equals("<|endoftext|>");
        added.add(new AddedToken(id, token, special, false, false, false, strips));
      }
    }
    return added;
  }

  /** The tokens that merges work with; null for all others. */
  private String[] textTokens() {
    String[] tokens = vocabulary.tokens().toArray(new String[0]);
    for (int id = 0; id < tokens.length; id++) {
      int type = vocabulary.tokenTypes()[id];
      if (type == TokenizerVocabulary.CONTROL
          || type == TokenizerVocabulary.UNUSED
          || type == TokenizerVocabulary.UNKNOWN) {
        tokens[id] = null;
      }
    }
    return tokens;
  }

  private MergeTable listedMerges() {
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < vocabulary.tokens().size(); id++) {
      ids.putIfAbsent(vocabulary.tokens().get(id), id);
    }
    MergeTable table = new MergeTable(vocabulary.merges().size());
    int rank = 0;
    for (String merge : vocabulary.merges()) {
      int space = merge.indexOf(' ', 1);
      Integer left = space < 0 ? null : ids.get(merge.substring(0, space));
      Integer right = space < 0 ? null : ids.get(merge.substring(space + 1));
      Integer merged =
          space < 0 ? null : ids.get(merge.substring(0, space) + merge.substring(space + 1));
      if (left == null || right == null || merged == null) {
        throw new SparktuneException(
            ErrorCode.BAD_FILE,
            "Merge number " + rank + " ('" + merge + "') in " + file + " is no pair of tokens.",
            "Convert the model again.");
      }
      table.put(left, right, rank++, merged);
    }
    return table;
  }
}
