package org.sparktune.tokenizer.split;

import java.util.List;

/** Splitters one inside the other: each cuts the words of the one before. */
public final class SplitterChain {
  /** Cuts nothing. */
  public static final SplitterChain NONE = new SplitterChain(List.of());

  private final Splitter[] splitters;

  /** A chain in the order of application. */
  public SplitterChain(List<Splitter> splitters) {
    this.splitters = splitters.toArray(new Splitter[0]);
  }

  /**
   * Cuts a stretch of a piece.
   *
   * @param text holds the piece
   * @param from where to go on: the start of the piece, or what the last call answered
   * @param start the start of the piece
   * @param end one past its last unit
   * @param lists two lists; afterwards the words are in the first
   * @return where to go on, {@code end} when all is done
   */
  public int split(char[] text, int from, int start, int end, Words[] lists) {
    lists[0].clear();
    if (splitters.length == 0) {
      lists[0].add(start, end);
      return end;
    }
    int next = splitters[0].split(text, from, start, end, lists[0]);
    for (int i = 1; i < splitters.length; i++) {
      Words words = lists[0];
      Words parts = lists[1];
      parts.clear();
      for (int word = 0; word < words.size(); word++) {
        int wordStart = words.start(word);
        int wordEnd = words.end(word);
        int at = wordStart;
        while (at < wordEnd) {
          at = splitters[i].split(text, at, wordStart, wordEnd, parts);
        }
      }
      lists[0] = parts;
      lists[1] = words;
    }
    return next;
  }
}
