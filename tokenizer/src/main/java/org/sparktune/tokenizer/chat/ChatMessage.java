package org.sparktune.tokenizer.chat;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One turn of a conversation.
 *
 * @param role {@code system}, {@code user}, {@code assistant}, {@code tool}, or what the template
 *     knows
 * @param content the text; null where an assistant only calls tools
 * @param toolCalls the calls an assistant makes, as JSON values (Map, List, String, Long, Double,
 *     Boolean, null); empty if none
 * @param extra further fields that the template may read, as JSON values
 * @param carriesLoss false for a turn that is context only although the assistant says it
 */
public record ChatMessage(
    String role,
    String content,
    List<Object> toolCalls,
    Map<String, Object> extra,
    boolean carriesLoss) {

  /** The role whose turns are trained on. */
  public static final String ASSISTANT = "assistant";

  /** Copies nothing; the values must not change afterwards. */
  public ChatMessage {
    toolCalls = Collections.unmodifiableList(toolCalls);
    extra = Collections.unmodifiableMap(extra);
  }

  /** A turn of text. */
  public ChatMessage(String role, String content) {
    this(role, content, List.of(), Map.of(), true);
  }

  boolean isAssistant() {
    return role.equals(ASSISTANT);
  }

  /** What the template sees. */
  Map<String, Object> variables() {
    Map<String, Object> variables = new LinkedHashMap<>();
    variables.put("role", role);
    variables.put("content", content);
    if (!toolCalls.isEmpty()) {
      variables.put("tool_calls", toolCalls);
    }
    variables.putAll(extra);
    return variables;
  }
}
