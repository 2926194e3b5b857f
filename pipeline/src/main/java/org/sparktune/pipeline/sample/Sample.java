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
}
