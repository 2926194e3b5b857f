package org.sparktune.pipeline.sample;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparktune.tokenizer.chat.ChatMessage;
import org.sparktune.tokenizer.chat.Conversation;

/** Reads the conversation schemas: Alpaca, ShareGPT and OpenAI messages. */
final class ConversationReader {
  private static final Map<String, String> SHAREGPT_ROLES =
      Map.ofEntries(
          Map.entry("human", "user"),
          Map.entry("user", "user"),
          Map.entry("gpt", "assistant"),
          Map.entry("chatgpt", "assistant"),
          Map.entry("bard", "assistant"),
          Map.entry("bing", "assistant"),
          Map.entry("assistant", "assistant"),
          Map.entry("model", "assistant"),
          Map.entry("system", "system"),
          Map.entry("tool", "tool"),
          Map.entry("observation", "tool"),
          Map.entry("function_response", "tool"),
          Map.entry("function_call", "function_call"));

  Conversation alpaca(Fields fields) throws RejectException {
    String instruction = fields.text("instruction");
    String input = fields.textOr("input", "");
    String output = fields.text("output");
    if (instruction.isBlank() && input.isBlank()) {
      throw new RejectException(RejectReason.EMPTY, "instruction and input are empty");
    }
    if (output.isBlank()) {
      throw new RejectException(RejectReason.EMPTY, "the output is empty");
    }
    List<ChatMessage> messages = new ArrayList<>();
    String system = fields.textOr("system", "");
    if (!system.isEmpty()) {
      messages.add(new ChatMessage("system", system));
    }
    for (Object turn : fields.listOrEmpty("history")) {
      if (!(turn instanceof List<?> pair
          && pair.size() == 2
          && pair.get(0) instanceof String question
          && pair.get(1) instanceof String answer)) {
        throw Fields.wrongType("history", "a list of pairs of strings", turn);
      }
      messages.add(new ChatMessage("user", question));
      messages.add(new ChatMessage("assistant", answer));
    }
    String prompt = input.isEmpty() ? instruction : instruction + "\n" + input;
    // The parts are kept apart for templates that tell them apart, such as the built-in "alpaca".
    Map<String, Object> parts = Map.of("instruction", instruction, "input", input);
    messages.add(new ChatMessage("user", prompt, List.of(), parts, true));
    messages.add(new ChatMessage("assistant", output));
    return new Conversation(messages);
  }

  Conversation shareGpt(Fields fields) throws RejectException {
    List<ChatMessage> messages = new ArrayList<>();
    String system = fields.textOr("system", "");
    if (!system.isEmpty()) {
      messages.add(new ChatMessage("system", system));
    }
    for (Object item : fields.list("conversations")) {
      messages.add(turn(object("conversations", item)));
    }
    return conversation(messages, tools(fields.get("tools")));
  }

  /** A ShareGPT turn. */
  static ChatMessage turn(Fields turn) throws RejectException {
    String from = turn.text("from");
    String role = SHAREGPT_ROLES.get(from);
    if (role == null) {
      throw new RejectException(RejectReason.WRONG_TYPE, "unknown role \"" + from + "\" in from");
    }
    String value = turn.text("value");
    return role.equals("function_call")
        ? new ChatMessage("assistant", "", toolCalls(value), Map.of(), true)
        : new ChatMessage(role, value);
  }

  /** A ShareGPT function call: JSON text of one call or a list of them. */
  private static List<Object> toolCalls(String text) throws RejectException {
    Object parsed = parse("function_call", text);
    List<Object> calls = new ArrayList<>();
    for (Object call : parsed instanceof List<?> list ? list : List.of(parsed)) {
      if (!(call instanceof Map<?, ?> function) || !function.containsKey("name")) {
        throw Fields.wrongType("function_call", "an object with a name", call);
      }
      Map<String, Object> wrapped = new LinkedHashMap<>();
      wrapped.put("type", "function");
      wrapped.put("function", function);
      calls.add(wrapped);
    }
    return calls;
  }

  Conversation messages(Fields fields) throws RejectException {
    List<ChatMessage> messages = new ArrayList<>();
    for (Object item : fields.list("messages")) {
      messages.add(message(item));
    }
    return conversation(messages, tools(fields.get("tools")));
  }

  static ChatMessage message(Object item) throws RejectException {
    Fields fields = object("messages", item);
    String role = fields.text("role");
    List<Object> calls = new ArrayList<>();
    for (Object call : fields.listOrEmpty("tool_calls")) {
      calls.add(withParsedArguments(call));
    }
    Object content = fields.get("content");
    if (content == null && calls.isEmpty()) {
      throw new RejectException(
          RejectReason.MISSING_FIELD, "a message of " + role + " has no \"content\"");
    }
    Map<String, Object> extra = new LinkedHashMap<>();
    for (Map.Entry<?, ?> entry : ((Map<?, ?>) item).entrySet()) {
      String name = String.valueOf(entry.getKey());
      switch (name) {
        case "role", "content", "tool_calls", "weight", "loss_weight" -> {
          // These have places of their own.
        }
        default -> extra.put(name, entry.getValue());
      }
    }
    return new ChatMessage(role, plainText(content), calls, extra, carriesLoss(fields));
  }

  /** OpenAI's {@code weight} and others' {@code loss_weight}: 0 makes a turn context only. */
  private static boolean carriesLoss(Fields fields) throws RejectException {
    for (String column : List.of("weight", "loss_weight")) {
      Object weight = fields.get(column);
      if (weight != null && !(weight instanceof Number)) {
        throw Fields.wrongType(column, "a number", weight);
      }
      if (weight instanceof Number number && number.doubleValue() == 0) {
        return false;
      }
    }
    return true;
  }

  /** Content is text, or a list of parts that are all text. */
  private static String plainText(Object content) throws RejectException {
    if (content == null || content instanceof String) {
      return (String) content;
    }
    if (!(content instanceof List<?> parts)) {
      throw Fields.wrongType("content", "a string", content);
    }
    StringBuilder text = new StringBuilder();
    for (Object part : parts) {
      Fields fields = object("content", part);
      if (!"text".equals(fields.get("type"))) {
        throw new RejectException(
            RejectReason.WRONG_TYPE,
            "a content part of type " + fields.get("type") + " is not text");
      }
      text.append(fields.textOr("text", fields.textOr("value", "")));
    }
    return text.toString();
  }

  /** OpenAI writes a call's arguments as JSON text; templates want the object. */
  private static Object withParsedArguments(Object call) throws RejectException {
    if (!(call instanceof Map<?, ?> outer)) {
      throw Fields.wrongType("tool_calls", "a list of objects", call);
    }
    if (!(outer.get("function") instanceof Map<?, ?> function)
        || !(function.get("arguments") instanceof String text)) {
      return call;
    }
    Map<Object, Object> parsedFunction = new LinkedHashMap<>(function);
    parsedFunction.put("arguments", parse("arguments", text));
    Map<Object, Object> parsed = new LinkedHashMap<>(outer);
    parsed.put("function", parsedFunction);
    return parsed;
  }

  static List<Object> tools(Object value) throws RejectException {
    Object parsed = value;
    if (value instanceof String text) {
      parsed = text.isBlank() ? null : parse("tools", text);
    }
    if (parsed == null) {
      return List.of();
    }
    if (!(parsed instanceof List<?> list)) {
      throw Fields.wrongType("tools", "a list", parsed);
    }
    return new ArrayList<>(list);
  }

  private static Object parse(String what, String text) throws RejectException {
    try {
      return JsonValues.parse(text);
    } catch (JsonProcessingException e) {
      throw new RejectException(
          RejectReason.MALFORMED_JSON, "\"" + what + "\" holds text that is not JSON");
    }
  }

  static Fields object(String column, Object item) throws RejectException {
    if (item instanceof Map<?, ?> map) {
      return new Fields(map, Map.of());
    }
    throw Fields.wrongType(column, "a list of objects", item);
  }

  private static Conversation conversation(List<ChatMessage> messages, List<Object> tools)
      throws RejectException {
    if (messages.isEmpty()) {
      throw new RejectException(RejectReason.EMPTY, "the conversation is empty");
    }
    return new Conversation(messages, tools);
  }
}
