package org.sparktune.trainer.rollout;

import java.util.Arrays;
import java.util.List;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.objective.ppo.Responses;

/** Responses with their prompts as documents laid end to end; only responses are targets. */
final class ResponseBatch {
  /** A batch that nothing is learnt from. */
  static final Batch EMPTY = new Batch(new int[] {0}, new int[] {Batch.IGNORED}, new int[] {0, 1});

  private ResponseBatch() {}

  static Batch of(List<Response> responses) {
    int length = 0;
    for (Response response : responses) {
      length += response.length();
    }
    int[] tokens = new int[length];
    int[] targets = new int[length];
    int[] starts = new int[responses.size() + 1];
    Arrays.fill(targets, Batch.IGNORED);
    int place = 0;
    for (int i = 0; i < responses.size(); i++) {
      int[] prompt = responses.get(i).prompt().ids();
      int[] answer = responses.get(i).tokens();
      System.arraycopy(prompt, 0, tokens, place, prompt.length);
      System.arraycopy(answer, 0, tokens, place + prompt.length, answer.length);
      System.arraycopy(answer, 0, targets, place + prompt.length - 1, answer.length);
      place += prompt.length + answer.length;
      starts[i + 1] = place;
    }
    return new Batch(tokens, targets, starts);
  }

  /** Where each response's targets begin among all targets. */
  static Responses axis(List<Response> responses) {
    int[] starts = new int[responses.size() + 1];
    for (int i = 0; i < responses.size(); i++) {
      starts[i + 1] = starts[i] + responses.get(i).tokens().length;
    }
    return new Responses(starts);
  }
}
