package org.sparktune.pipeline.sample;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.sparktune.tokenizer.chat.ChatMessage;
import org.sparktune.tokenizer.chat.Conversation;

/**
 * Reads preference pairs: TRL's text and conversational forms with a prompt of their own or inside
 * both completions, ShareGPT and Alpaca prompts with a chosen and a rejected answer, and token ids.
 */
final class PairReader {
  private final ConversationReader conversations;

  PairReader(ConversationReader conversations) {
    this.conversations = conversations;
  }

  Sample.Pair texts(Fields fields) throws RejectException {
    float margin = margin(fields);
    if (fields.get("chosen_messages") != null) {
      return conversations(
          List.of(),
          messages("chosen_messages", fields.list("chosen_messages")),
          messages("rejected_messages", fields.list("rejected_messages")),
          fields,
          margin);
    }
    Object chosen = fields.required("chosen");
    Object rejected = fields.required("rejected");
    if (chosen instanceof String one && rejected instanceof String other) {
      return strings(fields, one, other, margin);
    }
    return conversations(
        prompt(fields),
        completion("chosen", chosen),
        completion("rejected", rejected),
        fields,
        margin);
  }

  static Sample.Pair ids(Fields fields) throws RejectException {
    int[] prompt = RecordReader.integers("prompt_ids", fields.list("prompt_ids"));
    int[] chosen = RecordReader.integers("chosen_ids", fields.list("chosen_ids"));
    int[] rejected = RecordReader.integers("rejected_ids", fields.list("rejected_ids"));
    requireDifferent(chosen.length == 0, rejected.length == 0, Arrays.equals(chosen, rejected));
    return new Sample.Pair(tokens(prompt, chosen), tokens(prompt, rejected), margin(fields));
  }

  /** One completion: {@code prompt_ids} and {@code completion_ids}. */
  static Sample completionIds(Fields fields) throws RejectException {
    int[] completion = RecordReader.integers("completion_ids", fields.list("completion_ids"));
    if (completion.length == 0) {
      throw new RejectException(RejectReason.EMPTY, "the completion is empty");
    }
    return tokens(RecordReader.integers("prompt_ids", fields.list("prompt_ids")), completion);
  }

  private static Sample tokens(int[] prompt, int[] completion) {
    int[] ids = Arrays.copyOf(prompt, prompt.length + completion.length);
    System.arraycopy(completion, 0, ids, prompt.length, completion.length);
    byte[] mask = new byte[ids.length];
    Arrays.fill(mask, prompt.length, ids.length, (byte) 1);
    return new Sample.Tokens(ids, mask);
  }

  private Sample.Pair strings(Fields fields, String chosen, String rejected, float margin)
      throws RejectException {
    requireDifferent(chosen.isBlank(), rejected.isBlank(), chosen.equals(rejected));
    if (fields.get("prompt") instanceof String prompt) {
      if (prompt.isEmpty()) {
        throw new RejectException(RejectReason.EMPTY, "the prompt is empty");
      }
      return new Sample.Pair(
          new Sample.Completion(prompt, chosen), new Sample.Completion(prompt, rejected), margin);
    }
    return conversations(
        prompt(fields),
        List.of(new ChatMessage(ChatMessage.ASSISTANT, chosen)),
        List.of(new ChatMessage(ChatMessage.ASSISTANT, rejected)),
        fields,
        margin);
  }

  /** The turns before both completions; none where the completions begin with them. */
  List<ChatMessage> prompt(Fields fields) throws RejectException {
    if (fields.get("prompt") instanceof List<?> list) {
      return messages("prompt", list);
    }
    if (fields.get("prompt") instanceof String text) {
      return List.of(new ChatMessage("user", text));
    }
    if (fields.get("conversations") != null) {
      return conversations.shareGpt(fields).messages();
    }
    if (fields.get("instruction") != null) {
      String input = fields.textOr("input", "");
      String instruction = fields.text("instruction");
      return List.of(
          new ChatMessage("user", input.isEmpty() ? instruction : instruction + "\n" + input));
    }
    return List.of();
  }

  static List<ChatMessage> completion(String column, Object value) throws RejectException {
    if (value instanceof String text) {
      return List.of(new ChatMessage(ChatMessage.ASSISTANT, text));
    }
    return value instanceof List<?> list ? messages(column, list) : List.of(message(column, value));
  }

  static List<ChatMessage> messages(String column, List<?> items) throws RejectException {
    List<ChatMessage> messages = new ArrayList<>();
    for (Object item : items) {
      messages.add(message(column, item));
    }
    return messages;
  }

  private static ChatMessage message(String column, Object item) throws RejectException {
    Fields fields = ConversationReader.object(column, item);
    return fields.get("from") != null
        ? ConversationReader.turn(fields)
        : ConversationReader.message(item);
  }

  /** Turns that both sides begin with are prompt; what follows them carries loss. */
  private static Sample.Pair conversations(
      List<ChatMessage> prompt,
      List<ChatMessage> chosen,
      List<ChatMessage> rejected,
      Fields fields,
      float margin)
      throws RejectException {
    int common = 0;
    while (common < Math.min(chosen.size(), rejected.size())
        && chosen.get(common).equals(rejected.get(common))) {
      common++;
    }
    boolean identical = common == chosen.size() && common == rejected.size();
    requireDifferent(isBlank(chosen, common), isBlank(rejected, common), identical);
    List<ChatMessage> context = withoutLoss(prompt);
    context.addAll(withoutLoss(chosen.subList(0, common)));
    if (context.isEmpty()) {
      throw new RejectException(RejectReason.MISSING_FIELD, "the pair has no prompt");
    }
    List<Object> tools = ConversationReader.tools(fields.get("tools"));
    return new Sample.Pair(
        chat(context, chosen.subList(common, chosen.size()), tools),
        chat(context, rejected.subList(common, rejected.size()), tools),
        margin);
  }

  private static Sample chat(
      List<ChatMessage> context, List<ChatMessage> completion, List<Object> tools) {
    List<ChatMessage> messages = new ArrayList<>(context);
    messages.addAll(completion);
    return new Sample.Chat(new Conversation(messages, tools));
  }

  private static ChatMessage withoutLoss(ChatMessage message) {
    return new ChatMessage(
        message.role(), message.content(), message.toolCalls(), message.extra(), false);
  }

  static List<ChatMessage> withoutLoss(List<ChatMessage> messages) {
    List<ChatMessage> context = new ArrayList<>(messages.size());
    for (ChatMessage message : messages) {
      context.add(withoutLoss(message));
    }
    return context;
  }

  private static boolean isBlank(List<ChatMessage> messages, int from) {
    for (ChatMessage message : messages.subList(from, messages.size())) {
      boolean speaks = message.content() != null && !message.content().isBlank();
      if (speaks || !message.toolCalls().isEmpty()) {
        return false;
      }
    }
    return true;
  }

  private static void requireDifferent(
      boolean chosenIsBlank, boolean rejectedIsBlank, boolean identical) throws RejectException {
    if (identical) {
      throw new RejectException(
          RejectReason.IDENTICAL_PAIR, "the chosen and the rejected completion are the same");
    }
    if (chosenIsBlank || rejectedIsBlank) {
      throw new RejectException(
          RejectReason.EMPTY,
          "the %s completion is empty".formatted(chosenIsBlank ? "chosen" : "rejected"));
    }
  }

  /** {@code margin}, or the difference of {@code score_chosen} and {@code score_rejected}. */
  private static float margin(Fields fields) throws RejectException {
    if (fields.get("margin") != null) {
      return number(fields, "margin");
    }
    if (fields.get("score_chosen") == null || fields.get("score_rejected") == null) {
      return 0;
    }
    float margin = number(fields, "score_chosen") - number(fields, "score_rejected");
    if (margin < 0) {
      throw new RejectException(
          RejectReason.WRONG_TYPE,
          "the chosen completion's score is lower than the rejected one's");
    }
    return margin;
  }

  private static float number(Fields fields, String column) throws RejectException {
    Object value = fields.get(column);
    if (value instanceof Number number && Float.isFinite(number.floatValue())) {
      return number.floatValue();
    }
    throw Fields.wrongType(column, "a finite number", value);
  }
}
