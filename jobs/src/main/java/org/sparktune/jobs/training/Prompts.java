package org.sparktune.jobs.training;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.chat.ChatMessage;
import org.sparktune.tokenizer.chat.ChatTemplate;
import org.sparktune.tokenizer.chat.ChatTemplates;
import org.sparktune.tokenizer.chat.Conversation;

/** Turns what a user types into what a model continues, and knows where the model stops. */
public final class Prompts {
  /** End-of-turn tokens of the known families, beside the end-of-sequence token. */
  private static final List<String> END_OF_TURN =
      List.of("<|im_end|>", "<|eot_id|>", "<|end|>", "<|endoftext|>", "<|end_of_text|>");

  private final Tokenizer tokenizer;
  private final ChatTemplate template;

  private Prompts(Tokenizer tokenizer, ChatTemplate template) {
    this.tokenizer = tokenizer;
    this.template = template;
  }

  /** Prompts that are continued as they are, with the tokenizer's own BOS. */
  public static Prompts plain(Tokenizer tokenizer) {
    return new Prompts(tokenizer, null);
  }

  /**
   * Prompts that are a user's turn.
   *
   * @throws SparktuneException {@code UNSUPPORTED} if the model has no chat template
   */
  public static Prompts chat(Path model, Tokenizer tokenizer) {
    Optional<ChatTemplate> template = ChatTemplates.ofModel(model, tokenizer);
    return new Prompts(
        tokenizer,
        template.orElseThrow(
            () ->
                new SparktuneException(
                    ErrorCode.UNSUPPORTED,
                    "The model %s has no chat template.".formatted(model),
                    "Leave out --chat and write the prompt as the model expects it.")));
  }

  /** A user's turn if the model has a chat template, else a plain prompt. */
  static Prompts ofModel(Path model, Tokenizer tokenizer) {
    return new Prompts(tokenizer, ChatTemplates.ofModel(model, tokenizer).orElse(null));
  }

  /** The ids that the model continues. */
  public int[] encode(String text) {
    return encode(text, "");
  }

  /**
   * The ids that the model continues.
   *
   * @param system the system's turn, only for chats; may be empty
   */
  public int[] encode(String text, String system) {
    if (template == null) {
      return tokenizer.encode(text, true);
    }
    ChatMessage user = new ChatMessage("user", text);
    List<ChatMessage> turns =
        system.isEmpty() ? List.of(user) : List.of(new ChatMessage("system", system), user);
    return tokenizer.encode(template.render(new Conversation(turns), true), false);
  }

  /** Ids that end a generation. */
  public Set<Integer> stopIds() {
    Set<Integer> ids = new TreeSet<>();
    tokenizer.eosId().ifPresent(ids::add);
    for (String token : END_OF_TURN) {
      tokenizer.id(token).stream().filter(tokenizer::isSpecial).forEach(ids::add);
    }
    return ids;
  }

  /** The tokenizer. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }
}
