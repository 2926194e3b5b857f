package org.sparktune.tokenizer.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import org.sparktune.tokenizer.bpe.IntList;

/**
 * Learns merges: counts all pairs once, then after each merge only corrects the counts of pairs in
 * the words that it changed.
 */
final class MergeLearner {
  private static final int FIRST_MERGED = 256;

  private final int smallestCount;
  private final int[][] words;
  private final long[] wordCounts;
  private final Map<Long, Pair> pairs = new HashMap<>();
  private final PriorityQueue<Entry> queue = new PriorityQueue<>();

  /** A pair's number of occurrences and the words that have or had it. */
  private static final class Pair {
    long count;
    final IntList words = new IntList();
    int lastWord = -1;
  }

  /** A pair at the time it was queued; out of date if its count has changed since. */
  private record Entry(long pair, long count) implements Comparable<Entry> {
    @Override
    public int compareTo(Entry other) {
      return count != other.count
          ? Long.compare(other.count, count)
          : Long.compare(pair, other.pair);
    }
  }

  /** A learned merge of two ids; its own id is 256 plus its place in the list. */
  record Merge(int left, int right) {}

  MergeLearner(WordCounts counts, int smallestCount) {
    this.smallestCount = smallestCount;
    List<String> sorted = counts.sortedWords();
    this.words = new int[sorted.size()][];
    this.wordCounts = new long[sorted.size()];
    for (int i = 0; i < words.length; i++) {
      words[i] = WordCounts.symbols(sorted.get(i));
      wordCounts[i] = counts.count(sorted.get(i));
      for (int j = 0; j + 1 < words[i].length; j++) {
        change(key(words[i][j], words[i][j + 1]), wordCounts[i], i);
      }
    }
    pairs.forEach((key, pair) -> queue.add(new Entry(key, pair.count)));
  }

  /** Learns up to {@code wanted} merges. */
  List<Merge> learn(int wanted) {
    List<Merge> merges = new ArrayList<>();
    while (merges.size() < wanted && !queue.isEmpty()) {
      Entry best = queue.poll();
      Pair pair = pairs.get(best.pair());
      if (pair == null || pair.count != best.count()) {
        if (pair != null && pair.count < best.count() && pair.count >= smallestCount) {
          queue.add(new Entry(best.pair(), pair.count));
        }
        continue;
      }
      if (best.count() < smallestCount) {
        break;
      }
      Merge merge = new Merge((int) (best.pair() >>> 32), (int) best.pair());
      apply(merge, FIRST_MERGED + merges.size(), pair);
      merges.add(merge);
    }
    return merges;
  }

  private void apply(Merge merge, int merged, Pair pair) {
    pairs.remove(key(merge.left(), merge.right()));
    Set<Long> grown = new HashSet<>();
    for (int i = 0; i < pair.words.size(); i++) {
      rewrite(pair.words.get(i), merge, merged, grown);
    }
    for (long key : grown) {
      Pair changed = pairs.get(key);
      if (changed != null && changed.count >= smallestCount) {
        queue.add(new Entry(key, changed.count));
      }
    }
  }

  /** Merges a pair wherever it stands in a word and corrects the counts of its neighbours. */
  private void rewrite(int wordIndex, Merge merge, int merged, Set<Long> grown) {
    int[] word = words[wordIndex];
    long count = wordCounts[wordIndex];
    int kept = 0;
    int i = 0;
    while (i < word.length) {
      boolean here = i + 1 < word.length && word[i] == merge.left() && word[i + 1] == merge.right();
      if (!here) {
        word[kept++] = word[i++];
        continue;
      }
      if (kept > 0) {
        change(key(word[kept - 1], merge.left()), -count, wordIndex);
        grown.add(change(key(word[kept - 1], merged), count, wordIndex));
      }
      if (i + 2 < word.length) {
        change(key(merge.right(), word[i + 2]), -count, wordIndex);
        grown.add(change(key(merged, word[i + 2]), count, wordIndex));
      }
      word[kept++] = merged;
      i += 2;
    }
    words[wordIndex] = kept == word.length ? word : Arrays.copyOf(word, kept);
  }

  private long change(long key, long by, int word) {
    Pair pair = pairs.get(key);
    if (pair == null) {
      if (by < 0) {
        return key; // The pair that is being merged itself.
      }
      pair = new Pair();
      pairs.put(key, pair);
    }
    pair.count += by;
    if (by > 0 && pair.lastWord != word) {
      pair.words.add(word);
      pair.lastWord = word;
    }
    return key;
  }

  private static long key(int left, int right) {
    return ((long) left << 32) | right;
  }
}
