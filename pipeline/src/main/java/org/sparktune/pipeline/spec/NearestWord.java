package org.sparktune.pipeline.spec;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/** Finds the valid word that a misspelt one was most likely meant to be. */
final class NearestWord {
  private NearestWord() {}

  /**
   * The word with the smallest edit distance (insert, delete, replace, swap of neighbours), if it
   * is near enough to be worth suggesting.
   */
  static Optional<String> find(String word, Collection<String> valid) {
    String best = null;
    int bestDistance = Integer.MAX_VALUE;
    String lower = word.toLowerCase(Locale.ROOT).replace('-', '_');
    for (String candidate : valid) {
      int distance = distance(lower, candidate.toLowerCase(Locale.ROOT));
      if (distance < bestDistance) {
        best = candidate;
        bestDistance = distance;
      }
    }
    if (best == null) {
      return Optional.empty();
    }
    boolean near = bestDistance <= Math.max(2, Math.max(word.length(), best.length()) / 3);
    boolean contained = word.length() >= 3 && best.contains(lower);
    return near || contained ? Optional.of(best) : Optional.empty();
  }

  /** "Did you mean 'x'?", or the list of valid words when none is near. */
  static String hint(String word, Collection<String> valid) {
    return find(word, valid)
        .map(nearest -> "Did you mean '" + nearest + "'?")
        .orElseGet(() -> valid.isEmpty() ? "" : "Valid here: " + String.join(", ", valid) + ".");
  }

  /** Optimal string alignment distance. */
  static int distance(String a, String b) {
    int[][] cost = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      cost[i][0] = i;
    }
    for (int j = 0; j <= b.length(); j++) {
      cost[0][j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      for (int j = 1; j <= b.length(); j++) {
        int replace = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        int best =
            Math.min(
                Math.min(cost[i - 1][j] + 1, cost[i][j - 1] + 1), cost[i - 1][j - 1] + replace);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          best = Math.min(best, cost[i - 2][j - 2] + 1);
        }
        cost[i][j] = best;
      }
    }
    return cost[a.length()][b.length()];
  }
}
