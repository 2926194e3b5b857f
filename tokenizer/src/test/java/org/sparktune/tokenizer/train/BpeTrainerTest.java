package org.sparktune.tokenizer.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.Tokenizer;

class BpeTrainerTest {
  private static final List<String> SPECIAL = List.of("<|endoftext|>", "<|im_end|>");

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void shouldLearnWhatCountingAllPairsAfterEveryMergeLearns(long seed) {
    WordCounts counts = new WordCounts();
    for (String text : texts(seed, 60)) {
      counts.add(text);
    }
    List<MergeLearner.Merge> learned = new MergeLearner(counts, 2).learn(150);
    assertEquals(learnSlowly(counts, 150), learned);
  }

  @Test
  void shouldNotDependOnTheOrderOfTheTexts() throws Exception {
    List<String> texts = texts(5, 100);
    Path first = folder.resolve("first.json");
    Path second = folder.resolve("second.json");
    new BpeTrainer(340, SPECIAL).count(texts.iterator()).write(first);
    Collections.reverse(texts);
    new BpeTrainer(340, SPECIAL).count(texts.iterator()).write(second);
    assertEquals(Files.readString(first), Files.readString(second));
  }

  @Test
  void shouldWriteATokenizerThatGivesTextBack() {
    List<String> texts = texts(6, 100);
    Tokenizer tokenizer =
        new BpeTrainer(340, SPECIAL)
            .count(texts.iterator())
            .write(folder.resolve("tokenizer.json"));
    assertEquals(340, tokenizer.vocabularySize());
    assertEquals(339, tokenizer.eosId().getAsInt());
    for (String text : texts) {
      assertEquals(text, tokenizer.decode(tokenizer.encode(text, false), false));
    }
    assertArrayEquals(new int[] {338, 339}, tokenizer.encode("<|endoftext|><|im_end|>", false));
  }

  @Test
  void shouldRefuseAVocabularyWithoutRoomForBytes() {
    SparktuneException refused =
        assertThrows(SparktuneException.class, () -> new BpeTrainer(257, SPECIAL));
    assertEquals(
        "A vocabulary of 257 tokens cannot hold 256 bytes and 2 special tokens.",
        refused.getMessage());
  }

  private static List<String> texts(long seed, int count) {
    Random random = new Random(seed);
    String[] syllables = {"ba", "na", "an", " ", " a", "'s", "12", "你好", "é", "aaaa", "\n", "!?"};
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StringBuilder text = new StringBuilder();
      for (int j = random.nextInt(30); j >= 0; j--) {
        text.append(syllables[random.nextInt(syllables.length)]);
      }
      texts.add(text.toString());
    }
    return texts;
  }

  /** The definition: count all pairs, merge the best everywhere, begin again. */
  private static List<MergeLearner.Merge> learnSlowly(WordCounts counts, int wanted) {
    Map<String, List<Integer>> words = new HashMap<>();
    for (String word : counts.sortedWords()) {
      List<Integer> symbols = new ArrayList<>();
      for (int symbol : WordCounts.symbols(word)) {
        symbols.add(symbol);
      }
      words.put(word, symbols);
    }
    List<MergeLearner.Merge> merges = new ArrayList<>();
    while (merges.size() < wanted) {
      MergeLearner.Merge best = mostFrequent(words, counts);
      if (best == null) {
        break;
      }
      int merged = 256 + merges.size();
      words.replaceAll((word, symbols) -> merge(symbols, best, merged));
      merges.add(best);
    }
    return merges;
  }

  private static MergeLearner.Merge mostFrequent(
      Map<String, List<Integer>> words, WordCounts counts) {
    Map<MergeLearner.Merge, Long> pairs = new HashMap<>();
    words.forEach(
        (word, symbols) -> {
          for (int i = 0; i + 1 < symbols.size(); i++) {
            pairs.merge(
                new MergeLearner.Merge(symbols.get(i), symbols.get(i + 1)),
                counts.count(word),
                Long::sum);
          }
        });
    MergeLearner.Merge best = null;
    for (Map.Entry<MergeLearner.Merge, Long> entry : pairs.entrySet()) {
      if (entry.getValue() >= 2 && (best == null || isBefore(entry.getKey(), best, pairs))) {
        best = entry.getKey();
      }
    }
    return best;
  }

  private static boolean isBefore(
      MergeLearner.Merge one, MergeLearner.Merge other, Map<MergeLearner.Merge, Long> pairs) {
    long difference = pairs.get(one) - pairs.get(other);
    if (difference != 0) {
      return difference > 0;
    }
    return one.left() != other.left() ? one.left() < other.left() : one.right() < other.right();
  }

  private static List<Integer> merge(List<Integer> symbols, MergeLearner.Merge merge, int merged) {
    List<Integer> result = new ArrayList<>();
    int i = 0;
    while (i < symbols.size()) {
      boolean here =
          i + 1 < symbols.size()
              && symbols.get(i) == merge.left()
              && symbols.get(i + 1) == merge.right();
      result.add(here ? merged : symbols.get(i));
      i += here ? 2 : 1;
    }
    return result;
  }
}
