package org.sparktune.tokenizer.chat;

import org.sparktune.tokenizer.jinja.TemplateException;

/**
 * Finds where each assistant turn stands in a rendering, for templates that do not mark it. A turn
 * begins where the rendering of what precedes it, with a generation prompt, ends. Templates may
 * strip a turn's text, drop earlier reasoning, or end the text in another way when a turn is the
 * last, so the renderings of prefixes are compared character by character and the turn's own text
 * is looked for where they part.
 */
final class TurnFinder {
  /** How far behind the place where renderings part a turn's text may begin. */
  private static final int MAX_GAP = 256;

  private static final String END_OF_REASONING = "</think>";

  private final ChatTemplate template;
  private final Conversation conversation;
  private final String text;
  private int cursor;

  /**
   * @param text what the template renders the conversation to
   */
  TurnFinder(ChatTemplate template, Conversation conversation, String text) {
    this.template = template;
    this.conversation = conversation;
    this.text = text;
  }

  /**
   * The span of an assistant turn: start (inclusive) and end (exclusive) in UTF-16 units. The end
   * may reach into the following turn's first token, never over it. Turns are asked for in order.
   *
   * @throws TemplateException when the turn cannot be found
   */
  int[] next(int index) {
    ChatMessage message = conversation.messages().get(index);
    String prompt = renderPrefix(index, true);
    boolean exact = prompt != null && template.hasGenerationPrompt() && text.startsWith(prompt);
    int start = Math.max(cursor, prompt == null ? 0 : commonPrefix(prompt));
    int end = endOfPrefix(index);
    String said = said(message);
    int at = said.isEmpty() ? -1 : text.indexOf(said, start);
    boolean near = at >= 0 && (at < end || at - start <= MAX_GAP);
    if (near) {
      start = exact ? start : at;
      end = Math.max(end, at + said.length());
    } else if (!exact || end < start) {
      throw new TemplateException(
          "the assistant's turn "
              + (index + 1)
              + " cannot be found in what the template rendered; its tokens cannot be told from the prompt's");
    }
    cursor = end;
    return new int[] {start, end};
  }

  /** Where the rendering up to and including a turn parts from the whole. */
  private int endOfPrefix(int index) {
    if (index == conversation.messages().size() - 1) {
      return text.length();
    }
    String rendered = renderPrefix(index + 1, false);
    return rendered == null ? 0 : commonPrefix(rendered);
  }

  private String renderPrefix(int count, boolean addGenerationPrompt) {
    try {
      return template.render(conversation.first(count), addGenerationPrompt);
    } catch (TemplateException e) {
      // The template accepts the conversation but not its beginning: the text itself must do.
      return null;
    }
  }

  private int commonPrefix(String other) {
    int limit = Math.min(text.length(), other.length());
    int i = 0;
    while (i < limit && text.charAt(i) == other.charAt(i)) {
      i++;
    }
    return i;
  }

  private static String said(ChatMessage message) {
    String content = message.content() == null ? "" : message.content();
    int reasoning = content.lastIndexOf(END_OF_REASONING);
    return (reasoning < 0 ? content : content.substring(reasoning + END_OF_REASONING.length()))
        .strip();
  }
}
