package org.sparktune.tokenizer.chat;

import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.Fingerprint;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.jinja.Template;
import org.sparktune.tokenizer.jinja.TemplateException;

/**
 * A chat template, ready to render. It gives the text that transformers' {@code
 * apply_chat_template} gives. Immutable and safe for use by many threads.
 */
public final class ChatTemplate {
  private final String source;
  private final String toolSource;
  private final Template template;
  private final Template toolTemplate;
  private final Map<String, String> specialTokens;
  private final LocalDateTime now;

  private ChatTemplate(
      String source,
      String toolSource,
      Template template,
      Template toolTemplate,
      Map<String, String> specialTokens,
      LocalDateTime now) {
    this.source = source;
    this.toolSource = toolSource;
    this.template = template;
    this.toolTemplate = toolTemplate;
    this.specialTokens = specialTokens;
    this.now = now;
  }

  /**
   * Parses a template.
   *
   * @param origin where it comes from, for the error message
   * @param source Jinja
   * @param toolSource the template for conversations with tools; {@code source} if there is no
   *     other
   * @param specialTokens {@code bos_token}, {@code eos_token}… and their texts
   * @throws SparktuneException {@link ErrorCode#BAD_FILE} with the line of what is wrong
   */
  static ChatTemplate parse(
      String origin, String source, String toolSource, Map<String, String> specialTokens) {
    try {
      Template template = Template.parse(source);
      Template toolTemplate = toolSource.equals(source) ? template : Template.parse(toolSource);
      return new ChatTemplate(
          source,
          toolSource,
          template,
          toolTemplate,
          new TreeMap<>(specialTokens),
          LocalDateTime.now(ZoneId.systemDefault()));
    } catch (TemplateException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The chat template of " + origin + " cannot be read: " + e.getMessage() + ".",
          "Give a corrected Jinja file as the template.",
          e);
    }
  }

  /** The Jinja of conversations without tools, for writing it beside another copy of the model. */
  public String source() {
    return source;
  }

  /** The same template, with a fixed time for {@code strftime_now}. */
  public ChatTemplate at(LocalDateTime time) {
    return new ChatTemplate(source, toolSource, template, toolTemplate, specialTokens, time);
  }

  /** Whether what it renders depends on the time. */
  public boolean usesTime() {
    return source.contains("strftime_now") || toolSource.contains("strftime_now");
  }

  /**
   * Renders a conversation.
   *
   * @param addGenerationPrompt whether the text ends where the assistant's next turn begins
   * @throws TemplateException when the template fails or refuses the conversation
   */
  public String render(Conversation conversation, boolean addGenerationPrompt) {
    return rendering(conversation, addGenerationPrompt).text();
  }

  Template.Rendering rendering(Conversation conversation, boolean addGenerationPrompt) {
    List<Object> messages = new ArrayList<>(conversation.messages().size());
    for (ChatMessage message : conversation.messages()) {
      messages.add(message.variables());
    }
    boolean hasTools = !conversation.tools().isEmpty();
    Map<String, Object> variables = new HashMap<>(specialTokens);
    variables.put("messages", messages);
    variables.put("tools", hasTools ? conversation.tools() : null);
    variables.put("documents", null);
    variables.put("add_generation_prompt", addGenerationPrompt);
    return (hasTools ? toolTemplate : template).render(variables, now);
  }

  /** Whether the template looks at {@code add_generation_prompt} at all. */
  boolean hasGenerationPrompt() {
    return source.contains("add_generation_prompt");
  }

  /** SHA-256 over everything that decides what a conversation renders to. */
  public String fingerprint() {
    Fingerprint fingerprint = new Fingerprint().add(source).add(toolSource);
    specialTokens.forEach((name, text) -> fingerprint.add(name).add(text));
    if (usesTime()) {
      fingerprint.add(now.toLocalDate().toString());
    }
    return fingerprint.finish();
  }
}
