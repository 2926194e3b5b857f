package org.sparktune.trainer.model;

/**
 * Documents laid end to end on one token axis. Attention never crosses a document; positions
 * restart in each. There is no padding: a padded batch is given here without its padding.
 *
 * @param tokens {@code (N)} ids
 * @param targets {@code (N)} for each position the id that should come next, or {@link #IGNORED};
 *     the last position of a document has {@link #IGNORED}
 * @param documentStarts {@code (D + 1)} index of each document's first token, then N
 * @param labels what an objective has to know of the documents
 * @param rollout what an objective has to know of the targets, where the policy has sampled them
 */
public record Batch(
    int[] tokens,
    int[] targets,
    int[] documentStarts,
    DocumentLabels labels,
    RolloutLabels rollout) {

  /** The target of a position that carries no loss. */
  public static final int IGNORED = -100;

  /** Checks that the parts fit together. */
  public Batch {
    if (tokens.length != targets.length
        || documentStarts.length < 2
        || documentStarts[0] != 0
        || documentStarts[documentStarts.length - 1] != tokens.length) {
      throw new IllegalArgumentException(
          "A batch of %d tokens and %d targets has document starts that do not run from 0 to the token count"
              .formatted(tokens.length, targets.length));
    }
  }

  /** Documents that nobody sampled. */
  public Batch(int[] tokens, int[] targets, int[] documentStarts, DocumentLabels labels) {
    this(tokens, targets, documentStarts, labels, RolloutLabels.NONE);
  }

  /** Documents of which nothing is known but their tokens. */
  public Batch(int[] tokens, int[] targets, int[] documentStarts) {
    this(tokens, targets, documentStarts, DocumentLabels.NONE);
  }

  /** The same documents with what is known of their targets. */
  public Batch with(RolloutLabels known) {
    return new Batch(tokens, targets, documentStarts, labels, known);
  }

  /** D. */
  public int documents() {
    return documentStarts.length - 1;
  }

  /** How many positions carry loss. */
  public int validTokens() {
    int count = 0;
    for (int target : targets) {
      if (target != IGNORED) {
        count++;
      }
    }
    return count;
  }
}
