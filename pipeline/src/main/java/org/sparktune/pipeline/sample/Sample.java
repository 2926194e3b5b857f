package org.sparktune.pipeline.sample;

import org.sparktune.tokenizer.chat.Conversation;

/** A checked record. */
public sealed interface Sample {

  /** Plain text. */
  record Text(String text) implements Sample {}

  /** A conversation. */
  record Chat(Conversation conversation) implements Sample {}

  /**
   * Tokens that somebody made already.
   *
   * @param ids {@code (N)}
   * @param lossMask {@code (N)} 1 where the token carries loss
   */
  record Tokens(int[] ids, byte[] lossMask) implements Sample {}

  /**
   * Plain text after plain text.
   *
   * @param prompt without loss
   * @param completion with loss
   */
  record Completion(String prompt, String completion) implements Sample {}

  /**
   * Something to be answered.
   *
   * @param asked text, or a conversation that an assistant is to go on with
   * @param answer the known answer; empty where there is none
   */
  record Prompt(Sample asked, String answer) implements Sample {}

  /**
   * Two completions of a prompt.
   *
   * @param chosen the preferred one with its prompt
   * @param rejected the other one with the same prompt
   * @param margin by how much it is preferred, 0 where nobody said
   */
  record Pair(Sample chosen, Sample rejected, float margin) implements Sample {}
}
