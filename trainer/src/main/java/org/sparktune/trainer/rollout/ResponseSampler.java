package org.sparktune.trainer.rollout;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.Generator;
import org.sparktune.trainer.model.SamplingOptions;

/** Lets a policy answer prompts, several at once, each several times. */
public final class ResponseSampler {
  private final Decoder decoder;
  private final Set<Integer> stopIds;
  private final RolloutOptions options;

  /**
   * @param decoder the policy
   * @param stopIds ids that end a response
   */
  public ResponseSampler(Decoder decoder, Set<Integer> stopIds, RolloutOptions options) {
    this.decoder = decoder;
    this.stopIds = Set.copyOf(stopIds);
    this.options = options;
  }

  /** Whether a prompt is not empty and leaves room for a response of one token. */
  boolean fits(Prompt prompt) {
    return prompt.ids().length > 0 && prompt.ids().length < decoder.config().maxPositions();
  }

  /**
   * Samples responses.
   *
   * @param prompts that fit
   * @param seed the same seed samples the same responses
   * @return {@code groupSize} responses to each prompt, next to each other
   */
  List<Response> sample(List<Prompt> prompts, long seed) {
    SamplingOptions sampling =
        new SamplingOptions(options.maxNewTokens(), options.temperature(), 0, 1, 0, 1, seed);
    return respond(prompts, options.groupSize(), sampling);
  }

  /** The likeliest response to each of some prompts that fit. */
  List<Response> likeliest(List<Prompt> prompts) {
    return respond(prompts, 1, SamplingOptions.greedy(options.maxNewTokens()));
  }

  private List<Response> respond(List<Prompt> prompts, int times, SamplingOptions sampling) {
    List<int[]> sequences = new ArrayList<>();
    for (Prompt prompt : prompts) {
      for (int i = 0; i < times; i++) {
        sequences.add(prompt.ids());
      }
    }
    List<Generator.Continuation> continuations =
        new Generator(decoder).generate(sequences, sampling, stopIds, (sequence, token) -> {});
    List<Response> responses = new ArrayList<>();
    for (int i = 0; i < continuations.size(); i++) {
      responses.add(response(prompts.get(i / times), continuations.get(i)));
    }
    return responses;
  }

  /** To end a response is something that a policy learns: the token that did is part of it. */
  private static Response response(Prompt prompt, Generator.Continuation continuation) {
    int[] tokens = continuation.tokens();
    if (continuation.stopped()) {
      tokens = Arrays.copyOf(tokens, tokens.length + 1);
      tokens[tokens.length - 1] = continuation.stopId();
    }
    return new Response(prompt, tokens, continuation.stopped());
  }
}
