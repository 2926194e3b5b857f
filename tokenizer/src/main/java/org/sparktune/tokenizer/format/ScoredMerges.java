package org.sparktune.tokenizer.format;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
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

  static MergeTable of(TokenizerVocabulary vocabulary) {
    return new ScoredMerges(vocabulary).build();
  }

  private boolean isText(int id) {
    int type = vocabulary.tokenTypes()[id];
    return type == TokenizerVocabulary.NORMAL || type == TokenizerVocabulary.USER_DEFINED;
  }

  private MergeTable build() {
    Integer[] order = ids.values().toArray(new Integer[0]);
    float[] scores = vocabulary.scores();
    Arrays.sort(
        order, Comparator.comparingDouble((Integer id) -> -scores[id]).thenComparing(id -> id));
    MergeTable merges = new MergeTable(2 * order.length);
    int rank = 0;
    for (int i = 0; i < order.length; i++) {
      // Equal scores are one rank: the leftmost of them merges first.
      if (i > 0 && scores[order[i]] != scores[order[i - 1]]) {
        rank++;
      }
      addSplits(order[i], rank, merges);
    }
    return merges;
  }

  private void addSplits(int id, int rank, MergeTable merges) {
    String token = vocabulary.tokens().get(id);
    for (int i = 1; i < token.length(); i++) {
      Integer left = ids.get(token.substring(0, i));
      Integer right = left == null ? null : ids.get(token.substring(i));
      if (right != null) {
        merges.put(left, right, rank, id);
      }
    }
  }
}
