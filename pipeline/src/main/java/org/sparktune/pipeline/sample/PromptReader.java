package org.sparktune.pipeline.sample;

import java.util.List;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.tokenizer.chat.ChatMessage;
import org.sparktune.tokenizer.chat.Conversation;

/**
 * Reads prompts: text or messages of their own, with an answer beside them where there is one, or
 * conversations, whose last assistant turn is the answer.
 */
final class PromptReader {
  private PromptReader() {}

  /** A record that has a {@code prompt}. */
  static Sample.Prompt prompt(Fields fields) throws RejectException {
    String answer = fields.textOr("answer", "");
    Object prompt = fields.required("prompt");
    if (prompt instanceof String text) {
      if (text.isEmpty()) {
        throw new RejectException(RejectReason.EMPTY, "the prompt is empty");
      }
      return new Sample.Prompt(new Sample.Text(text), answer);
    }
    List<ChatMessage> messages = PairReader.messages("prompt", fields.list("prompt"));
    return of(new Conversation(messages, ConversationReader.tools(fields.get("tools"))), answer);
  }

  /** A record of one of the other schemas. */
  static Sample of(Schema schema, Sample read, Fields fields) throws RejectException {
    if (read instanceof Sample.Chat chat) {
      return of(chat.conversation(), fields.textOr("answer", ""));
    }
    if (read instanceof Sample.Text text) {
      return new Sample.Prompt(text, "");
    }
    if (read instanceof Sample.Tokens tokens) {
      boolean answered = fields.get("labels") != null;
      return answered ? tokens : new Sample.Tokens(tokens.ids(), new byte[tokens.ids().length]);
    }
    throw new RejectException(
        RejectReason.WRONG_KIND, "a record of schema " + schema + " without a prompt");
  }

  private static Sample.Prompt of(Conversation conversation, String answer) throws RejectException {
    List<ChatMessage> messages = conversation.messages();
    int last = messages.size() - 1;
    boolean answered = last >= 0 && messages.get(last).role().equals(ChatMessage.ASSISTANT);
    List<ChatMessage> asked = answered ? messages.subList(0, last) : messages;
    if (asked.isEmpty()) {
      throw new RejectException(RejectReason.EMPTY, "nobody is asked anything");
    }
    String said = answered ? messages.get(last).content() : null;
    return new Sample.Prompt(
        new Sample.Chat(new Conversation(List.copyOf(asked), conversation.tools())),
        answer.isEmpty() && said != null ? said : answer);
  }
}
