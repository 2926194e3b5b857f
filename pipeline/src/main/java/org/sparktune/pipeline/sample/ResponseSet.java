package org.sparktune.pipeline.sample;

import java.util.List;

/**
 * What a record says about responses to one prompt.
 *
 * @param prompt a hash of the prompt; equal prompts have equal ones in every record
 * @param hasPrompt whether there is anything before the response at all
 * @param responses at least one
 * @param comparisons between them; empty where they have scores
 * @param group the value of the column {@code group}, empty where there is none
 */
public record ResponseSet(
    long prompt,
    boolean hasPrompt,
    List<Response> responses,
    List<Comparison> comparisons,
    String group) {

  /**
   * One response.
   *
   * @param sample with its prompt, which carries no loss
   * @param score what it was given; NaN where it has ranks or comparisons instead
   * @param hash of what it says
   * @param length of its text, in UTF-16 units (in tokens where it came as tokens)
   */
  public record Response(Sample sample, double score, long hash, int length) {}

  /**
   * The outcome between two responses.
   *
   * @param first the index of one
   * @param second the index of the other
   * @param outcome 1 where the first is better, 0 where the second is, ½ for a tie
   */
  public record Comparison(int first, int second, double outcome) {}
}
