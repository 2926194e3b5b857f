package org.sparktune.tokenizer.chat;

import java.util.Collections;
import java.util.List;

/**
 * Turns in order, and the tools the assistant may call.
 *
 * @param messages the turns
 * @param tools JSON schemas of the tools, as JSON values; empty if there are none
 */
public record Conversation(List<ChatMessage> messages, List<Object> tools) {

  /** Copies nothing; the lists must not change afterwards. */
  public Conversation {
    messages = Collections.unmodifiableList(messages);
    tools = Collections.unmodifiableList(tools);
  }

  /** A conversation without tools. */
  public Conversation(List<ChatMessage> messages) {
    this(messages, List.of());
  }

  Conversation first(int count) {
    return new Conversation(messages.subList(0, count), tools);
  }
}
