package org.sparktune.tokenizer.chat;

import java.util.Arrays;
import java.util.List;
import org.sparktune.tokenizer.Encoding;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.jinja.Template;
import org.sparktune.tokenizer.jinja.TemplateException;

/**
 * Conversations to ids and loss masks. The whole rendering is tokenized once, without special
 * tokens of the tokenizer's own (the template writes them), and the assistant's turns are mapped to
 * tokens by their places in the text. Immutable and safe for use by many threads.
 *
 * <p>A turn reaches from where the generation prompt ends to its end-of-turn token, which is the
 * first special token after its text; a newline after that token carries no loss, because a model
 * stops before it. Where the template itself marks turns with {@code generation} blocks, exactly
 * the tokens with a character in them carry loss, as in transformers.
 */
public final class ChatTokenizer {
  private final Tokenizer tokenizer;
  private final ChatTemplate template;

  /**
   * @param tokenizer the model's tokenizer
   * @param template the template to render with
   */
  public ChatTokenizer(Tokenizer tokenizer, ChatTemplate template) {
    this.tokenizer = tokenizer;
    this.template = template;
  }

  /** The template. */
  public ChatTemplate template() {
    return template;
  }

  /**
   * Tokenizes a conversation.
   *
   * @param conversation at least one turn
   * @param assistantOnly whether only the assistant's turns carry loss; otherwise every token does
   * @throws TemplateException when the template refuses the conversation, or a turn cannot be found
   *     in what it rendered
   */
  public ChatEncoding encode(Conversation conversation, boolean assistantOnly) {
    Template.Rendering rendering = template.rendering(conversation, false);
    Encoding encoding = tokenizer.encodeWithOffsets(rendering.text(), false);
    byte[] mask = new byte[encoding.ids().length];
    if (!assistantOnly) {
      Arrays.fill(mask, (byte) 1);
    } else if (!rendering.generationSpans().isEmpty()) {
      markGenerations(conversation, rendering.generationSpans(), encoding, mask);
    } else {
      TurnFinder turns = new TurnFinder(template, conversation, rendering.text());
      for (int i = 0; i < conversation.messages().size(); i++) {
        if (conversation.messages().get(i).isAssistant()) {
          markTurn(turns.next(i), conversation.messages().get(i), encoding, rendering.text(), mask);
        }
      }
    }
    return new ChatEncoding(encoding.ids(), mask);
  }

  private static void markGenerations(
      Conversation conversation, List<int[]> spans, Encoding encoding, byte[] mask) {
    List<ChatMessage> assistants =
        conversation.messages().stream().filter(ChatMessage::isAssistant).toList();
    boolean onePerTurn = assistants.size() == spans.size();
    for (int i = 0; i < spans.size(); i++) {
      if (onePerTurn && !assistants.get(i).carriesLoss()) {
        continue;
      }
      int[] span = spans.get(i);
      int first = firstTokenAfter(encoding, span[0]);
      for (int t = first; t < mask.length && encoding.starts()[t] < span[1]; t++) {
        mask[t] = 1;
      }
    }
  }

  private void markTurn(
      int[] span, ChatMessage message, Encoding encoding, String text, byte[] mask) {
    if (!message.carriesLoss()) {
      return;
    }
    int first = firstTokenAfter(encoding, span[0]);
    int end = Math.max(first, firstTokenAfter(encoding, span[1]));
    while (end > first && isSpecialOrBlank(encoding, end - 1, text)) {
      end--;
    }
    // The end-of-turn token, if only white space stands before it.
    for (int t = end; t < mask.length && isSpecialOrBlank(encoding, t, text); t++) {
      if (tokenizer.isSpecial(encoding.ids()[t])) {
        end = t + 1;
        break;
      }
    }
    Arrays.fill(mask, first, end, (byte) 1);
  }

  private boolean isSpecialOrBlank(Encoding encoding, int token, String text) {
    return tokenizer.isSpecial(encoding.ids()[token])
        || text.substring(encoding.starts()[token], encoding.ends()[token]).isBlank();
  }

  /** The first token that holds a character at or after an offset. */
  private static int firstTokenAfter(Encoding encoding, int offset) {
    int low = 0;
    int high = encoding.ids().length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (encoding.ends()[middle] > offset) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}
