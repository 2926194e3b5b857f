package org.sparktune.tokenizer.chat;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.sparktune.tokenizer.jinja.TemplateException;

class ChatTokenizerTest {
  private static final String CHATML =
      """
      {% for m in messages %}
      {{- '<|im_start|>' + m.role + '\\n' + (m.content or '') }}
      {%- for c in m.tool_calls or [] %}
      {{- '<call>' + c.function.name }}
      {%- endfor %}
      {{- '<|im_end|>\\n' }}
      {%- endfor %}
      {%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
      """;

  /** Ends the whole in a way of its own, as Phi-3's does. */
  private static final String ENDED =
      "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endfor %}"
          + "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}";

  /** Drops the reasoning of all turns but the last and strips, as Qwen3's does. */
  private static final String REASONING =
      "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
          + "{% if m.role == 'assistant' and loop.last %}{{ '<think>\n' + (m.content.split('</think>')[0].split('<think>')[-1] | trim if '</think>' in m.content else '') + '\n</think>\n\n' }}{% endif %}"
          + "{{ m.content.split('</think>')[-1] | trim }}{{ '<|im_end|>\n' }}{% endfor %}"
          + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

  private static final CharacterTokenizer TOKENIZER =
      new CharacterTokenizer(
          "<|im_start|>",
          "<|im_end|>",
          "<s>",
          "</s>",
          "<|system|>",
          "<|user|>",
          "<|assistant|>",
          "<|end|>");

  private static ChatTokenizer chat(String template) {
    return new ChatTokenizer(
        TOKENIZER,
        ChatTemplate.parse(
            "test", template, template, Map.of("bos_token", "<s>", "eos_token", "</s>")));
  }

  private static Conversation conversation(String... turns) {
    ChatMessage[] messages = new ChatMessage[turns.length / 2];
    for (int i = 0; i < messages.length; i++) {
      messages[i] = new ChatMessage(turns[2 * i], turns[2 * i + 1]);
    }
    return new Conversation(List.of(messages));
  }

  /** The text of the trained tokens, with a bar between runs. */
  private static String trained(ChatEncoding encoding) {
    StringBuilder out = new StringBuilder();
    boolean open = false;
    for (int i = 0; i < encoding.ids().length; i++) {
      boolean on = encoding.lossMask()[i] == 1;
      if (on) {
        out.append(!open && out.length() > 0 ? "|" : "").append(TOKENIZER.token(encoding.ids()[i]));
      }
      open = on;
    }
    return out.toString();
  }

  @Test
  void shouldTrainOnAssistantTurnsAndTheirEndTokens() {
    ChatEncoding encoding =
        chat(CHATML)
            .encode(
                conversation(
                    "system",
                    "Hi",
                    "user",
                    "a",
                    "assistant",
                    "Hi",
                    "user",
                    "Hi",
                    "assistant",
                    "b\n"),
                true);
    assertEquals("Hi<|im_end|>|b\n<|im_end|>", trained(encoding));
  }

  @Test
  void shouldTrainOnEverythingWhenTold() {
    ChatEncoding encoding = chat(CHATML).encode(conversation("user", "a", "assistant", "b"), false);
    byte[] all = new byte[encoding.ids().length];
    Arrays.fill(all, (byte) 1);
    assertArrayEquals(all, encoding.lossMask());
  }

  @Test
  void shouldNotTrainOnWhatFollowsTheEndTokenOfTheLastTurn() {
    ChatEncoding encoding =
        chat(ENDED)
            .encode(
                conversation("user", "a", "assistant", "b", "user", "c", "assistant", "d"), true);
    assertEquals("b<|end|>|d<|end|>", trained(encoding));
  }

  @Test
  void shouldFollowATemplateThatDropsReasoning() {
    ChatEncoding encoding =
        chat(REASONING)
            .encode(
                conversation(
                    "user",
                    "q",
                    "assistant",
                    "<think>\nx\n</think>\n\nfirst",
                    "user",
                    "r",
                    "assistant",
                    "<think>\ny\n</think>\n\n second"),
                true);
    assertEquals("first<|im_end|>|<think>\ny\n</think>\n\nsecond<|im_end|>", trained(encoding));
  }

  @Test
  void shouldTrainOnToolCallsWithoutText() {
    ChatMessage call =
        new ChatMessage(
            "assistant",
            null,
            List.of(Map.of("function", Map.of("name", "weather"))),
            Map.of(),
            true);
    Conversation conversation =
        new Conversation(
            List.of(
                new ChatMessage("user", "q"),
                call,
                new ChatMessage("tool", "21"),
                new ChatMessage("assistant", "21 degrees")));
    assertEquals(
        "<call>weather<|im_end|>|21 degrees<|im_end|>",
        trained(chat(CHATML).encode(conversation, true)));
  }

  @Test
  void shouldLeaveOutTurnsThatCarryNoLoss() {
    Conversation conversation =
        new Conversation(
            List.of(
                new ChatMessage("user", "q"),
                new ChatMessage("assistant", "bad", List.of(), Map.of(), false),
                new ChatMessage("user", "again"),
                new ChatMessage("assistant", "good")));
    assertEquals("good<|im_end|>", trained(chat(CHATML).encode(conversation, true)));
  }

  @Test
  void shouldFindTurnsOfATemplateWithoutGenerationPrompt() {
    String template = "{% for m in messages %}{{ m.role }}: {{ m.content | trim }}</s>{% endfor %}";
    ChatEncoding encoding =
        chat(template)
            .encode(
                conversation("user", "a", "assistant", " b ", "user", "c", "assistant", "d"), true);
    assertEquals("b</s>|d</s>", trained(encoding));
  }

  @Test
  void shouldFindTurnsOfATemplateThatRefusesPrefixes() {
    String template =
        "{% if messages[-1].role != 'assistant' %}{{ raise_exception('no') }}{% endif %}"
            + "{% for m in messages %}[{{ m.role }}]{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";
    ChatEncoding encoding =
        chat(template).encode(conversation("user", "ant", "assistant", "bee"), true);
    assertEquals("bee</s>", trained(encoding));
  }

  @Test
  void shouldRefuseToGuessWhereATurnIs() {
    String template = "{% for m in messages %}{{ m.content | upper }}{% endfor %}";
    assertThrows(
        TemplateException.class,
        () -> chat(template).encode(conversation("user", "a", "assistant", "bee"), true));
  }

  @Test
  void shouldPreferTheTemplatesOwnMarks() {
    String template =
        "{% for m in messages %}{{ m.role }}:{% if m.role == 'assistant' %}{% generation %}{{ m.content }}</s>{% endgeneration %}{% else %}{{ m.content }}{% endif %}{{ '\n' }}{% endfor %}";
    Conversation conversation =
        new Conversation(
            List.of(
                new ChatMessage("user", "q"),
                new ChatMessage("assistant", "bad", List.of(), Map.of(), false),
                new ChatMessage("assistant", "good")));
    assertEquals("good</s>", trained(chat(template).encode(conversation, true)));
  }

  @Test
  void shouldWriteTheAlpacaPrompt() {
    ChatTemplate alpaca =
        ChatTemplates.builtIn(
                ChatTemplates.ALPACA, java.nio.file.Path.of("absent", "x.gguf"), TOKENIZER)
            .orElseThrow();
    ChatMessage user =
        new ChatMessage(
            "user", "Add.\n1 2", List.of(), Map.of("instruction", "Add.", "input", "1 2"), true);
    Conversation conversation = new Conversation(List.of(user, new ChatMessage("assistant", "3")));
    String rendered = alpaca.render(conversation, false);
    assertEquals(
        "<s>Below is an instruction that describes a task, paired with an input that provides further context. "
            + "Write a response that appropriately completes the request.\n\n### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### Response:\n3</s>",
        rendered);
    assertEquals("3</s>", trained(new ChatTokenizer(TOKENIZER, alpaca).encode(conversation, true)));
  }
}
