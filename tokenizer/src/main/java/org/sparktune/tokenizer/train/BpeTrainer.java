package org.sparktune.tokenizer.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalInt;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.TokenizerVocabulary;
import org.sparktune.tokenizer.Tokenizers;
import org.sparktune.tokenizer.bpe.ByteAlphabet;
import org.sparktune.tokenizer.format.HuggingFaceWriter;
import org.sparktune.tokenizer.text.AddedToken;

/**
 * Trains a byte-level BPE vocabulary (Sennrich et al. 2016) over words cut as Qwen 2 does, after
 * NFC. The most frequent pair merges first; among equals the one of smaller ids, so the same texts
 * in any order give the same vocabulary.
 *
 * <p>Ids: the 256 bytes in the order of GPT-2's alphabet, then the merges in order, then the
 * special tokens.
 */
public final class BpeTrainer {
  private static final int BYTES = 256;
  private static final int SMALLEST_COUNT = 2;

  private final int vocabularySize;
  private final List<String> specialTokens;
  private final WordCounts words = new WordCounts();

  /**
   * @param vocabularySize how many ids there will be, special tokens included
   * @param specialTokens tokens that control the model, such as {@code <|im_start|>}
   * @throws SparktuneException if the 256 bytes and the special tokens leave no room
   */
  public BpeTrainer(int vocabularySize, List<String> specialTokens) {
    this.vocabularySize = vocabularySize;
    this.specialTokens = List.copyOf(specialTokens);
    if (vocabularySize < BYTES + specialTokens.size()) {
      throw new SparktuneException(
          ErrorCode.INVALID_SPEC,
          "A vocabulary of "
              + vocabularySize
              + " tokens cannot hold 256 bytes and "
              + specialTokens.size()
              + " special tokens.",
          "Ask for at least " + (BYTES + specialTokens.size()) + " tokens.");
    }
  }

  /** Counts the words of texts; may be called again with more. */
  public BpeTrainer count(Iterator<String> texts) {
    while (texts.hasNext()) {
      words.add(texts.next());
    }
    return this;
  }

  /**
   * Learns the merges from what was counted and writes a {@code tokenizer.json}. The vocabulary is
   * smaller than asked for if the texts run out of pairs that occur twice.
   *
   * @param file where to
   * @return the tokenizer, read back from the file
   * @throws SparktuneException if the file cannot be written
   */
  public Tokenizer write(Path file) {
    int wanted = vocabularySize - BYTES - specialTokens.size();
    MergeLearner learner = new MergeLearner(words, SMALLEST_COUNT);
    TokenizerVocabulary vocabulary = vocabulary(learner.learn(wanted));
    HuggingFaceWriter.write(vocabulary, added(vocabulary), file);
    return Tokenizers.load(file);
  }

  private TokenizerVocabulary vocabulary(List<MergeLearner.Merge> learned) {
    String[] bytes = new String[BYTES];
    for (int b = 0; b < BYTES; b++) {
      bytes[ByteAlphabet.rank(b)] = String.valueOf(ByteAlphabet.toCharacter(b));
    }
    List<String> tokens = new ArrayList<>(Arrays.asList(bytes));
    List<String> merges = new ArrayList<>();
    for (MergeLearner.Merge merge : learned) {
      String left = tokens.get(merge.left());
      String right = tokens.get(merge.right());
      tokens.add(left + right);
      merges.add(left + " " + right);
    }
    int text = tokens.size();
    tokens.addAll(specialTokens);
    int[] types = new int[tokens.size()];
    Arrays.fill(types, 0, text, TokenizerVocabulary.NORMAL);
    Arrays.fill(types, text, types.length, TokenizerVocabulary.CONTROL);
    return new TokenizerVocabulary(
        "gpt2",
        "qwen2",
        tokens,
        types,
        new float[0],
        merges,
        OptionalInt.empty(),
        OptionalInt.empty(),
        OptionalInt.empty(),
        OptionalInt.empty(),
        false,
        false,
        false);
  }

  private List<AddedToken> added(TokenizerVocabulary vocabulary) {
    int first = vocabulary.tokens().size() - specialTokens.size();
    List<AddedToken> added = new ArrayList<>();
    for (String token : specialTokens) {
      added.add(new AddedToken(first + added.size(), token, true, false, false, false, false));
    }
    return added;
  }
}
