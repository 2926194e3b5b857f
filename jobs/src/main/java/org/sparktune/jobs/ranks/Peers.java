package org.sparktune.jobs.ranks;

import java.util.List;

/** How the ranks of a run exchange a few words before they have a collective. */
public interface Peers {
  /** This rank, from 0. */
  int rank();

  /** How many there are. */
  int ranks();

  /**
   * Gives every rank every rank's message; all ranks call it the same number of times.
   *
   * @return the messages by rank
   */
  List<String> exchange(String message);

  /** The only rank of a run. */
  static Peers alone() {
    return new Peers() {
      @Override
      public int rank() {
        return 0;
      }

      @Override
      public int ranks() {
        return 1;
      }

      @Override
      public List<String> exchange(String message) {
        return List.of(message);
      }
    };
  }
}
