package org.sparktune.pipeline.sample;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.DatasetOptions.OnLong;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;

class PromptReaderTest {

  @Test
  void shouldReadTextWithAndWithoutAnAnswer() throws Exception {
    assertEquals(
        new Sample.Prompt(new Sample.Text("6 and 6?"), "12"),
        read("{'prompt':'6 and 6?','answer':'12'}"));
    assertEquals(new Sample.Prompt(new Sample.Text("So"), ""), read("{'prompt':'So'}"));
    assertEquals(new Sample.Prompt(new Sample.Text("So"), ""), read("{'text':'So'}"));
    RecordReader renamed = new RecordReader(Schema.AUTO, Map.of("prompt", "question"), Kind.PROMPT);
    assertEquals(
        new Sample.Prompt(new Sample.Text("Q"), "A"),
        renamed.read(Map.of("question", "Q", "answer", "A")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'prompt':[{'role':'user','content':'Q'}],'answer':'A'}",
        "{'prompt':[{'role':'user','content':'Q'},{'role':'assistant','content':'A'}]}",
        "{'messages':[{'role':'user','content':'Q'},{'role':'assistant','content':'A'}]}",
        "{'messages':[{'role':'user','content':'Q'}],'answer':'A'}",
        "{'conversations':[{'from':'human','value':'Q'},{'from':'gpt','value':'A'}]}",
        "{'instruction':'Q','input':'','output':'A'}"
      })
  void shouldTakeTheLastTurnOfTheAssistantForTheAnswer(String json) throws Exception {
    Sample.Prompt prompt = assertInstanceOf(Sample.Prompt.class, read(json));
    Sample.Chat chat = assertInstanceOf(Sample.Chat.class, prompt.asked());
    assertEquals(1, chat.conversation().messages().size());
    assertEquals("user", chat.conversation().messages().get(0).role());
    assertEquals("Q", chat.conversation().messages().get(0).content());
    assertEquals("A", prompt.answer());
  }

  @Test
  void shouldReadTokens() throws Exception {
    Sample.Tokens asked = (Sample.Tokens) read("{'input_ids':[4,5]}");
    assertArrayEquals(new byte[2], asked.lossMask());
    Sample.Tokens answered = (Sample.Tokens) read("{'input_ids':[4,5],'labels':[-100,5]}");
    assertArrayEquals(new byte[] {0, 1}, answered.lossMask());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'prompt':''} | EMPTY",
        "{'prompt':[{'role':'assistant','content':'A'}]} | EMPTY",
        "{'prompt':7} | WRONG_TYPE",
        "{'prompt':'Q','answer':12} | WRONG_TYPE",
        "{'chosen':'a','rejected':'b','instruction':'Q'} | WRONG_KIND"
      })
  void shouldReject(String json, RejectReason reason) {
    assertEquals(reason, assertThrows(RejectException.class, () -> read(json)).reason());
  }

  @Test
  void shouldRejectPromptsWhereTextIsWanted() {
    RecordReader reader = new RecordReader(Schema.AUTO, Map.of(), Kind.SFT);
    RejectException e =
        assertThrows(RejectException.class, () -> reader.read(Map.of("prompt", "Q")));
    assertEquals(RejectReason.WRONG_KIND, e.reason());
  }

  @Test
  void shouldKeepPromptsWithoutLossAndCutNone() throws Exception {
    LengthFilter filter = new LengthFilter(2, 3, OnLong.TRUNCATE, true);
    Document prompt = new Document(new int[] {1}, new byte[1]);
    assertEquals(prompt, filter.apply(prompt));
    Document tooLong = new Document(new int[4], new byte[4]);
    assertEquals(
        RejectReason.TOO_LONG,
        assertThrows(RejectException.class, () -> filter.apply(tooLong)).reason());
    Document empty = new Document(new int[0], new byte[0]);
    assertEquals(
        RejectReason.TOO_SHORT,
        assertThrows(RejectException.class, () -> filter.apply(empty)).reason());
  }

  private static Sample read(String json) throws Exception {
    RecordReader reader = new RecordReader(Schema.AUTO, Map.of(), Kind.PROMPT);
    return reader.read(JsonValues.parse(json.replace('\'', '"')));
  }
}
