package org.sparktune.tokenizer.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

class ChatTemplatesTest {
  private static final ObjectMapper JSON =
      new ObjectMapper().configure(DeserializationFeature.USE_LONG_FOR_INTS, true);
  private static final CharacterTokenizer TOKENIZER = new CharacterTokenizer("<s>", "</s>");
  private static final Conversation HI = new Conversation(List.of(new ChatMessage("user", "hi")));

  /** The templates of real models, against what transformers rendered. */
  @Test
  void shouldRenderRealTemplatesAsTransformersDoes() throws IOException {
    Path tokenizers =
        Path.of(System.getProperty("sparktune.shared", "../shared"), "assets", "tokenizers");
    assumeTrue(Files.isDirectory(tokenizers), () -> tokenizers + " is absent");
    JsonNode cases;
    try (InputStream in = ChatTemplatesTest.class.getResourceAsStream("/chat/renderings.json")) {
      cases = JSON.readTree(in);
    }
    for (JsonNode test : cases) {
      Path folder = tokenizers.resolve(test.get("tokenizer").asText());
      ChatTemplate template = ChatTemplates.ofModel(folder, TOKENIZER).orElseThrow();
      String rendered =
          template.render(conversation(test), test.get("add_generation_prompt").asBoolean());
      assertEquals(test.get("output").asText(), rendered, folder.toString());
    }
  }

  private static Conversation conversation(JsonNode test) {
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode node : test.get("messages")) {
      Map<String, Object> fields = JSON.convertValue(node, new TypeReference<>() {});
      Map<String, Object> extra = new HashMap<>(fields);
      extra.keySet().removeAll(List.of("role", "content", "tool_calls"));
      List<Object> calls = JSON.convertValue(node.path("tool_calls"), new TypeReference<>() {});
      messages.add(
          new ChatMessage(
              (String) fields.get("role"),
              (String) fields.get("content"),
              calls == null ? List.of() : calls,
              extra,
              true));
    }
    return new Conversation(
        messages, JSON.convertValue(test.get("tools"), new TypeReference<>() {}));
  }

  @Test
  void shouldReadOneTemplateFromTheConfiguration(@TempDir Path folder) throws IOException {
    write(
        folder,
        "{\"chat_template\": \"{{ eos_token }}{{ messages[0].content }}\", \"eos_token\": {\"content\": \"<end>\"}}");
    ChatTemplate template =
        ChatTemplates.ofModel(folder.resolve("tokenizer.json"), TOKENIZER).orElseThrow();
    assertEquals("<end>hi", template.render(HI, false));
  }

  @Test
  void shouldChooseAmongNamedTemplates(@TempDir Path folder) throws IOException {
    write(
        folder,
        "{\"chat_template\": [{\"name\": \"default\", \"template\": \"plain\"}, {\"name\": \"tool_use\", \"template\": \"tools {{ tools | length }}\"}]}");
    ChatTemplate template = ChatTemplates.ofModel(folder, TOKENIZER).orElseThrow();
    assertEquals("plain", template.render(HI, false));
    assertEquals(
        "tools 1", template.render(new Conversation(HI.messages(), List.of(Map.of())), false));
  }

  @Test
  void shouldPreferTheTemplateFile(@TempDir Path folder) throws IOException {
    write(folder, "{\"chat_template\": \"old\"}");
    Files.writeString(folder.resolve("chat_template.jinja"), "{{ bos_token }}new\n");
    assertEquals(
        "<s>new", ChatTemplates.ofModel(folder, TOKENIZER).orElseThrow().render(HI, false));
  }

  @Test
  void shouldFindNoTemplateWhereThereIsNone(@TempDir Path folder) throws IOException {
    assertTrue(ChatTemplates.ofModel(folder, TOKENIZER).isEmpty());
    write(folder, "{\"chat_template\": null}");
    assertTrue(ChatTemplates.ofModel(folder, TOKENIZER).isEmpty());
  }

  @Test
  void shouldSayWhereATemplateIsWrong(@TempDir Path folder) throws IOException {
    write(folder, "{\"chat_template\": \"a\\n{% if %}\"}");
    SparktuneException e =
        assertThrows(SparktuneException.class, () -> ChatTemplates.ofModel(folder, TOKENIZER));
    assertEquals(ErrorCode.BAD_FILE, e.code());
    assertTrue(e.getMessage().contains("line 2"), e.getMessage());
  }

  @Test
  void shouldFingerprintWhatDecidesTheText() {
    ChatTemplate one = template("a{{ bos_token }}", "<s>");
    assertEquals(one.fingerprint(), template("a{{ bos_token }}", "<s>").fingerprint());
    assertNotEquals(one.fingerprint(), template("b{{ bos_token }}", "<s>").fingerprint());
    assertNotEquals(one.fingerprint(), template("a{{ bos_token }}", "<t>").fingerprint());
    LocalDateTime day = LocalDateTime.of(2024, 1, 1, 0, 0);
    assertEquals(one.at(day).fingerprint(), one.at(day.plusDays(1)).fingerprint());
    ChatTemplate dated = template("{{ strftime_now('%Y') }}", "<s>");
    assertNotEquals(dated.at(day).fingerprint(), dated.at(day.plusDays(1)).fingerprint());
  }

  private static ChatTemplate template(String source, String bos) {
    return ChatTemplate.parse("test", source, source, Map.of("bos_token", bos));
  }

  private static void write(Path folder, String config) throws IOException {
    Files.writeString(folder.resolve("tokenizer_config.json"), config);
  }
}
