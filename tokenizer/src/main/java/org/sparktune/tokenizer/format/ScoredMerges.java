package org.sparktune.tokenizer.format;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.sparktune.tokenizer.TokenizerVocabulary;
import org.sparktune.tokenizer.bpe.MergeTable;

/**
 * The merges of a SentencePiece BPE vocabulary, which has scores instead: any two tokens that
 * together spell a third merge into it, the token of the highest score first.
 */
final class ScoredMerges {
  private final TokenizerVocabulary vocabulary;
  private final Map<String, Integer> ids = new HashMap<>();

  private ScoredMerges(TokenizerVocabulary vocabulary) {
    this.vocabulary = vocabulary;
    for (int id = 0; id < vocabulary.tokens().size(); id++) {
      if (isText(id)) {
        ids.putIfAbsent(vocabulary.tokens().get(id), id);
      }
    }
  }

  private interface Taker {
    void take(int left, int right, int rank, int merged);
  }

  static MergeTable of(TokenizerVocabulary vocabulary) {
    MergeTable merges = new MergeTable(2 * vocabulary.tokens().size());
    new ScoredMerges(vocabulary).forEach(merges::put);
    return merges;
  }

  /**
   * The merges as {@code "left right"}, in their order, as files list them. A list gives every
   * merge a rank of its own: of one token's, and of tokens with the same score, the earlier one
   * merges first wherever it stands, not the leftmost.
   */
  static List<String> listed(TokenizerVocabulary vocabulary) {
    List<String> tokens = vocabulary.tokens();
    List<String> merges = new ArrayList<>();
    new ScoredMerges(vocabulary)
        .forEach(
            (left, right, rank, merged) -> {
              // Spaces have become signs before anything merges.
              if (tokens.get(merged).indexOf(' ') < 0) {
                merges.add(tokens.get(left) + " " + tokens.get(right));
              }
            });
    return merges;
  }

  /**
   * Whether different merged tokens have the same score, which no list of merges can say. Runs of
   * spaces, which SentencePiece all gives its lowest score, do not count: in the order of their ids
   * they merge into the same tokens.
   */
  static boolean anyTie(TokenizerVocabulary vocabulary) {
    int[] last = {-1, -1};
    boolean[] tie = new boolean[1];
    new ScoredMerges(vocabulary)
        .forEach(
            (left, right, rank, merged) -> {
              if (!isSpaces(vocabulary.tokens().get(merged))) {
                tie[0] |= last[0] == rank && last[1] != merged;
                last[0] = rank;
                last[1] = merged;
              }
            });
    return tie[0];
  }

  private static boolean isSpaces(String token) {
    return token.chars().allMatch(character -> character == '\u2581');
  }

  private boolean isText(int id) {
    int type = vocabulary.tokenTypes()[id];
    return type == TokenizerVocabulary.NORMAL || type == TokenizerVocabulary.USER_DEFINED;
  }

  private void forEach(Taker taker) {
    Integer[] order = ids.values().toArray(new Integer[0]);
    float[] scores = vocabulary.scores();
    Arrays.sort(
        order, Comparator.comparingDouble((Integer id) -> -scores[id]).thenComparing(id -> id));
    int rank = 0;
    for (int i = 0; i < order.length; i++) {
      // Equal scores are one rank: the leftmost of them merges first.
      if (i > 0 && scores[order[i]] != scores[order[i - 1]]) {
        rank++;
      }
      forEachSplit(order[i], rank, taker);
    }
  }

  /** The longest left part first, as SentencePiece's converters list them. */
  private void forEachSplit(int id, int rank, Taker taker) {
    String token = vocabulary.tokens().get(id);
    for (int i = token.length() - 1; i > 0; i--) {
      Integer left = ids.get(token.substring(0, i));
      Integer right = left == null ? null : ids.get(token.substring(i));
      if (right != null) {
        taker.take(left, right, rank, id);
      }
    }
  }
}
