package org.sparktune.tokenizer.train;

import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;

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
    TokenizerJsonWriter.write(file, learner.learn(wanted), specialTokens);
    return Tokenizers.load(file);
  }
}
