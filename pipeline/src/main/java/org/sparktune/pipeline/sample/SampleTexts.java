package org.sparktune.pipeline.sample;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.sparktune.tokenizer.chat.ChatMessage;
import org.sparktune.tokenizer.chat.Conversation;

/** The texts of a record, whatever its form. Token ids are no text: they pass unseen. */
public final class SampleTexts {
  private static final String SYSTEM = "system";

  /** What stands for a text. */
  public interface Change {
    /** For a turn's content or a text. */
    String content(String text);

    /** For a part of a content that is kept once more, for templates that tell parts apart. */
    String copy(String text);

    /** For a text inside a tool call. */
    String argument(String text);
  }

  private SampleTexts() {}

  /** The same record with other texts. */
  public static Sample map(Sample sample, Change change) {
    if (sample instanceof Sample.Text text) {
      return new Sample.Text(change.content(text.text()));
    } else if (sample instanceof Sample.Chat chat) {
      return new Sample.Chat(map(chat.conversation(), change));
    } else if (sample instanceof Sample.Completion completion) {
      return new Sample.Completion(
          change.content(completion.prompt()), change.content(completion.completion()));
    } else if (sample instanceof Sample.Pair pair) {
      return new Sample.Pair(
          map(pair.chosen(), change), map(pair.rejected(), change), pair.margin());
    } else if (sample instanceof Sample.Prompt prompt) {
      return new Sample.Prompt(map(prompt.asked(), change), change.content(prompt.answer()));
    }
    return sample;
  }

  private static Conversation map(Conversation conversation, Change change) {
    List<ChatMessage> messages = new ArrayList<>();
    for (ChatMessage message : conversation.messages()) {
      List<Object> calls = new ArrayList<>();
      for (Object call : message.toolCalls()) {
        calls.add(mapValue(call, change::argument));
      }
      Map<String, Object> extra = new LinkedHashMap<>();
      message.extra().forEach((name, value) -> extra.put(name, mapValue(value, change::copy)));
      messages.add(
          new ChatMessage(
              message.role(),
              message.content() == null ? null : change.content(message.content()),
              calls,
              extra,
              message.carriesLoss()));
    }
    return new Conversation(messages, conversation.tools());
  }

  /** The texts of a JSON value; names of fields stay. */
  private static Object mapValue(Object value, UnaryOperator<String> change) {
    if (value instanceof String text) {
      return change.apply(text);
    } else if (value instanceof List<?> list) {
      List<Object> mapped = new ArrayList<>();
      list.forEach(item -> mapped.add(mapValue(item, change)));
      return mapped;
    } else if (value instanceof Map<?, ?> map) {
      Map<Object, Object> mapped = new LinkedHashMap<>();
      map.forEach((name, item) -> mapped.put(name, mapValue(item, change)));
      return mapped;
    }
    return value;
  }

  /**
   * What quality is judged by: a text, or a conversation's turns without the system's, one after
   * another; both completions of a pair, each with its prompt.
   */
  public static List<String> documents(Sample sample) {
    if (sample instanceof Sample.Pair pair) {
      List<String> both = new ArrayList<>(documents(pair.chosen()));
      both.addAll(documents(pair.rejected()));
      return both;
    }
    return sample instanceof Sample.Tokens ? List.of() : List.of(joined(sample));
  }

  /**
   * What records are compared by: all texts, one after another. A system prompt is left out: it is
   * the same in thousands of records that have nothing else in common. A pair is its prompt and
   * both completions; token ids are their numbers.
   */
  public static String joined(Sample sample) {
    if (sample instanceof Sample.Text text) {
      return text.text();
    }
    StringBuilder joined = new StringBuilder();
    if (sample instanceof Sample.Tokens tokens) {
      for (int id : tokens.ids()) {
        joined.append(id).append(' ');
      }
      return joined.toString();
    }
    if (sample instanceof Sample.Pair pair) {
      return joined
          .append(joined(pair.chosen()))
          .append('\n')
          .append(joined(pair.rejected()))
          .toString();
    }
    for (String text : texts(sample)) {
      joined.append(joined.isEmpty() ? "" : "\n").append(text);
    }
    return joined.toString();
  }

  /** Every text but system prompts, in order; none of token ids. */
  public static List<String> texts(Sample sample) {
    List<String> texts = new ArrayList<>();
    if (sample instanceof Sample.Text text) {
      texts.add(text.text());
    } else if (sample instanceof Sample.Completion completion) {
      texts.add(completion.prompt());
      texts.add(completion.completion());
    } else if (sample instanceof Sample.Pair pair) {
      texts.addAll(texts(pair.chosen()));
      texts.addAll(texts(pair.rejected()));
    } else if (sample instanceof Sample.Prompt prompt) {
      texts.addAll(texts(prompt.asked()));
      texts.add(prompt.answer());
    } else if (sample instanceof Sample.Chat chat) {
      for (ChatMessage message : chat.conversation().messages()) {
        if (message.content() != null && !message.role().equals(SYSTEM)) {
          texts.add(message.content());
        }
        if (!message.toolCalls().isEmpty()) {
          texts.add(message.toolCalls().toString());
        }
      }
    }
    return texts;
  }
}
