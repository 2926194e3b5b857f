package org.sparktune.pipeline.sample;

import java.util.Arrays;
import java.util.OptionalInt;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.chat.ChatEncoding;
import org.sparktune.tokenizer.chat.ChatTokenizer;
import org.sparktune.tokenizer.jinja.TemplateException;

/** Applies the template and tokenizes. Safe for use by many threads. */
public final class SampleTokenizer {
  private final Tokenizer tokenizer;
  private final ChatTokenizer chat;
  private final boolean assistantOnly;
  private final boolean appendEos;

  /**
   * @param tokenizer the model's tokenizer
   * @param chat with the chat template; null if the model has none
   * @param assistantOnly whether only assistant turns of conversations carry loss
   * @param appendEos whether plain text ends with the end-of-sequence token
   */
  public SampleTokenizer(
      Tokenizer tokenizer, ChatTokenizer chat, boolean assistantOnly, boolean appendEos) {
    this.tokenizer = tokenizer;
    this.chat = chat;
    this.assistantOnly = assistantOnly;
    this.appendEos = appendEos;
  }

  /**
   * Tokenizes a sample.
   *
   * @throws RejectException when the template refuses it or an id is outside the vocabulary
   * @throws SparktuneException {@link ErrorCode#INVALID_SPEC} when there is no template for a
   *     conversation
   */
  public Document tokenize(Sample sample) throws RejectException {
    if (sample instanceof Sample.Text text) {
      return text(text.text());
    } else if (sample instanceof Sample.Chat conversation) {
      return chat(conversation);
    }
    if (sample instanceof Sample.Completion completion) {
      return completion(completion);
    } else if (sample instanceof Sample.Pair pair) {
      return Document.pair(tokenize(pair.chosen()), tokenize(pair.rejected()), pair.margin());
    }
    if (sample instanceof Sample.Prompt prompt) {
      return prompt(prompt);
    }
    Sample.Tokens tokens = (Sample.Tokens) sample;
    for (int i = 0; i < tokens.ids().length; i++) {
      int id = tokens.ids()[i];
      if (id < 0 || id >= tokenizer.vocabularySize()) {
        throw new RejectException(
            RejectReason.TOKEN_OUT_OF_RANGE,
            "token "
                + i
                + " is "
                + id
                + ", the vocabulary has "
                + tokenizer.vocabularySize()
                + " entries");
      }
    }
    return new Document(tokens.ids(), tokens.lossMask());
  }

  private Document text(String text) {
    int[] ids = tokenizer.encode(text, true);
    OptionalInt eos = tokenizer.eosId();
    if (appendEos
        && eos.isPresent()
        && (ids.length == 0 || ids[ids.length - 1] != eos.getAsInt())) {
      ids = Arrays.copyOf(ids, ids.length + 1);
      ids[ids.length - 1] = eos.getAsInt();
    }
    byte[] mask = new byte[ids.length];
    Arrays.fill(mask, (byte) 1);
    return new Document(ids, mask);
  }

  /** Prompt and completion are encoded apart, so that no token reaches from one into the other. */
  private Document completion(Sample.Completion sample) {
    int[] prompt = tokenizer.encode(sample.prompt(), true);
    int[] completion = tokenizer.encode(sample.completion(), false);
    OptionalInt eos = tokenizer.eosId();
    boolean append =
        appendEos
            && eos.isPresent()
            && (completion.length == 0 || completion[completion.length - 1] != eos.getAsInt());
    int length = prompt.length + completion.length;
    int[] ids = Arrays.copyOf(prompt, length + (append ? 1 : 0));
    System.arraycopy(completion, 0, ids, prompt.length, completion.length);
    if (append) {
      ids[length] = eos.getAsInt();
    }
    byte[] mask = new byte[ids.length];
    Arrays.fill(mask, prompt.length, ids.length, (byte) 1);
    return new Document(ids, mask);
  }

  private Document chat(Sample.Chat sample) throws RejectException {
    if (chat == null) {
      throw noTemplate();
    }
    try {
      ChatEncoding encoding = chat.encode(sample.conversation(), assistantOnly);
      return new Document(encoding.ids(), encoding.lossMask());
    } catch (TemplateException e) {
      throw new RejectException(RejectReason.TEMPLATE_ERROR, e.getMessage());
    }
  }

  /** What a model continues, then the answer, encoded apart and marked as what carries loss. */
  private Document prompt(Sample.Prompt sample) throws RejectException {
    int[] asked;
    if (sample.asked() instanceof Sample.Chat conversation) {
      if (chat == null) {
        throw noTemplate();
      }
      try {
        String text = chat.template().render(conversation.conversation(), true);
        asked = tokenizer.encode(text, false);
      } catch (TemplateException e) {
        throw new RejectException(RejectReason.TEMPLATE_ERROR, e.getMessage());
      }
    } else {
      asked = tokenizer.encode(((Sample.Text) sample.asked()).text(), true);
    }
    int[] answer = tokenizer.encode(sample.answer(), false);
    int[] ids = Arrays.copyOf(asked, asked.length + answer.length);
    System.arraycopy(answer, 0, ids, asked.length, answer.length);
    byte[] mask = new byte[ids.length];
    Arrays.fill(mask, asked.length, ids.length, (byte) 1);
    return new Document(ids, mask);
  }

  private static SparktuneException noTemplate() {
    return new SparktuneException(
        ErrorCode.INVALID_SPEC,
        "The data holds conversations, but the model has no chat template.",
        "Set template: to the path of a Jinja file, or to alpaca for the built-in one.");
  }
}
