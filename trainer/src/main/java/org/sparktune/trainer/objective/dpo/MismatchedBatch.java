package org.sparktune.trainer.objective.dpo;

import java.util.Arrays;
import org.sparktune.trainer.model.Batch;

/**
 * Every prompt of a batch with the completion of the document before it, the first with the last's:
 * what a model's divergence from its reference is estimated from without sampling (Ethayarajh et
 * al. 2024, section 4.2, in the order of TRL). A prompt ends where the first target begins.
 */
final class MismatchedBatch {
  private MismatchedBatch() {}

  /**
   * Turns the completions round.
   *
   * @param batch at least two documents, each with a target
   * @param maxTokens a document longer than this loses the end of its completion
   */
  static Batch of(Batch batch, int maxTokens) {
    int documents = batch.documents();
    int[] tokens = new int[batch.tokens().length];
    int[] targets = new int[tokens.length];
    int[] starts = new int[documents + 1];
    int size = 0;
    for (int document = 0; document < documents; document++) {
      int other = document == 0 ? documents - 1 : document - 1;
      int start = batch.documentStarts()[document];
      int prompt = completion(batch, document) - start;
      int from = completion(batch, other);
      int said = Math.min(batch.documentStarts()[other + 1] - from, maxTokens - prompt);
      System.arraycopy(batch.tokens(), start, tokens, size, prompt);
      System.arraycopy(batch.tokens(), from, tokens, size + prompt, said);
      Arrays.fill(targets, size, size + prompt, Batch.IGNORED);
      // The last token of the prompt predicts the completion's first.
      System.arraycopy(batch.targets(), from - 1, targets, size + prompt - 1, said);
      size += prompt + said;
      targets[size - 1] = Batch.IGNORED;
      starts[document + 1] = size;
    }
    return new Batch(Arrays.copyOf(tokens, size), Arrays.copyOf(targets, size), starts);
  }

  /** The index of the first token of a document that is a target. */
  private static int completion(Batch batch, int document) {
    int position = batch.documentStarts()[document];
    while (batch.targets()[position] == Batch.IGNORED) {
      position++;
    }
    return position + 1;
  }
}
