package org.sparktune.trainer.rollout;

/**
 * A prompt and what the policy answered, as text without special tokens and as the policy's tokens.
 *
 * @param prompt what was asked, the chat template's words included
 * @param response what the policy said
 * @param reference the answer that the dataset has for the prompt; empty where it has none
 * @param finished whether the policy ended the response itself; otherwise it ran into the limit
 * @param promptIds what the policy continued
 * @param responseIds at least one, the token that ended the response included
 */
public record Completion(
    String prompt,
    String response,
    String reference,
    boolean finished,
    int[] promptIds,
    int[] responseIds) {}
