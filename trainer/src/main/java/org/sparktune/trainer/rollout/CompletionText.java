package org.sparktune.trainer.rollout;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Makes text of responses.
 *
 * @param decode the text of ids, without special tokens
 */
public record CompletionText(Function<int[], String> decode) {

  /** The responses as a reward function sees them. */
  List<Completion> of(List<Response> responses) {
    List<Completion> completions = new ArrayList<>();
    for (Response response : responses) {
      completions.add(
          new Completion(
              decode.apply(response.prompt().ids()),
              decode.apply(response.tokens()),
              decode.apply(response.prompt().reference()),
              response.finished(),
              response.prompt().ids(),
              response.tokens()));
    }
    return completions;
  }
}
