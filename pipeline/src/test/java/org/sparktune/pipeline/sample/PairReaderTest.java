package org.sparktune.pipeline.sample;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.DatasetOptions.OnLong;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.tokenizer.chat.ChatMessage;

class PairReaderTest {

  @Test
  void shouldReadTextAfterAPrompt() throws Exception {
    Sample.Pair pair =
        read("{\"prompt\":\"One and one?\",\"chosen\":\" 2\",\"rejected\":\" 3\",\"margin\":0.5}");
    assertEquals(new Sample.Completion("One and one?", " 2"), pair.chosen());
    assertEquals(new Sample.Completion("One and one?", " 3"), pair.rejected());
    assertEquals(0.5f, pair.margin());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'prompt':[{'role':'user','content':'Q'}],"
            + "'chosen':[{'role':'assistant','content':'A'}],"
            + "'rejected':[{'role':'assistant','content':'B'}]}",
        "{'conversations':[{'from':'human','value':'Q'}],"
            + "'chosen':{'from':'gpt','value':'A'},'rejected':{'from':'gpt','value':'B'}}",
        "{'instruction':'Q','input':'','chosen':'A','rejected':'B'}",
        "{'chosen':[{'role':'user','content':'Q'},{'role':'assistant','content':'A'}],"
            + "'rejected':[{'role':'user','content':'Q'},{'role':'assistant','content':'B'}]}",
        "{'chosen_messages':[{'role':'user','content':'Q'},{'role':'assistant','content':'A'}],"
            + "'rejected_messages':[{'role':'user','content':'Q'},"
            + "{'role':'assistant','content':'B'}]}"
      })
  void shouldReadConversations(String json) throws Exception {
    Sample.Pair pair = read(json.replace('\'', '"'));
    assertTurns(pair.chosen(), "A");
    assertTurns(pair.rejected(), "B");
    assertEquals(0, pair.margin());
  }

  @Test
  void shouldTakeTheChosenCompletionForLearningWhereThatIsAskedFor() throws Exception {
    Object record =
        JsonValues.parse(
            "{\"instruction\":\"Q\",\"input\":\"\",\"chosen\":\"A\",\"rejected\":\"B\"}");
    assertTurns(new RecordReader(Schema.CHOSEN, Map.of(), Kind.SFT).read(record), "A");
    RejectException unasked =
        assertThrows(
            RejectException.class,
            () -> new RecordReader(Schema.AUTO, Map.of(), Kind.SFT).read(record));
    assertEquals(RejectReason.WRONG_KIND, unasked.reason());
    assertTrue(unasked.getMessage().contains("schema: chosen"), unasked.getMessage());
  }

  private static void assertTurns(Sample sample, String answer) {
    List<ChatMessage> messages =
        assertInstanceOf(Sample.Chat.class, sample).conversation().messages();
    assertEquals(2, messages.size());
    assertEquals("user", messages.get(0).role());
    assertEquals("Q", messages.get(0).content());
    assertFalse(messages.get(0).carriesLoss());
    assertEquals("assistant", messages.get(1).role());
    assertEquals(answer, messages.get(1).content());
    assertTrue(messages.get(1).carriesLoss());
  }

  @Test
  void shouldNotTrainOnAnswersBeforeThePairs() throws Exception {
    Sample.Pair pair =
        read(
            """
            {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"},
              {"from": "human", "value": "c"}],
             "chosen": {"from": "gpt", "value": "d"}, "rejected": {"from": "gpt", "value": "e"}}
            """);
    List<ChatMessage> messages = ((Sample.Chat) pair.chosen()).conversation().messages();
    assertEquals(
        List.of(false, false, false, true),
        messages.stream().map(ChatMessage::carriesLoss).toList());
  }

  @Test
  void shouldReadIdsAndScores() throws Exception {
    Sample.Pair pair =
        read(
            """
            {"prompt_ids": [1, 2], "chosen_ids": [3], "rejected_ids": [4, 5],
             "score_chosen": 3, "score_rejected": 1.5}
            """);
    Sample.Tokens chosen = (Sample.Tokens) pair.chosen();
    Sample.Tokens rejected = (Sample.Tokens) pair.rejected();
    assertArrayEquals(new int[] {1, 2, 3}, chosen.ids());
    assertArrayEquals(new byte[] {0, 0, 1}, chosen.lossMask());
    assertArrayEquals(new int[] {1, 2, 4, 5}, rejected.ids());
    assertArrayEquals(new byte[] {0, 0, 1, 1}, rejected.lossMask());
    assertEquals(1.5f, pair.margin());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "IDENTICAL_PAIR; {'prompt':'q','chosen':'a','rejected':'a'}",
        "EMPTY; {'prompt':'q','chosen':' ','rejected':'a'}",
        "EMPTY; {'prompt':'','chosen':'b','rejected':'a'}",
        "EMPTY; {'prompt_ids':[1],'chosen_ids':[],'rejected_ids':[2]}",
        "IDENTICAL_PAIR; {'prompt_ids':[1],'chosen_ids':[2],'rejected_ids':[2]}",
        "MISSING_FIELD; {'chosen':'b','rejected':'a'}",
        "WRONG_TYPE; {'prompt':'q','chosen':'b','rejected':7}",
        "WRONG_TYPE; {'prompt':'q','chosen':'b','rejected':'a','margin':'much'}",
        "WRONG_TYPE; {'prompt':'q','chosen':'b','rejected':'a','score_chosen':1,'score_rejected':2}",
        "WRONG_KIND; {'text':'no pair'}"
      })
  void shouldRejectWhatIsNoPair(RejectReason reason, String json) {
    RejectException e = assertThrows(RejectException.class, () -> read(json.replace('\'', '"')));
    assertEquals(reason, e.reason(), e.getMessage());
  }

  @Test
  void shouldRejectPairsWhereTextIsWanted() {
    RecordReader reader = new RecordReader(Schema.AUTO, Map.of(), Kind.SFT);
    RejectException e =
        assertThrows(
            RejectException.class,
            () -> reader.read(Map.of("prompt", "q", "chosen", "a", "rejected", "b")));
    assertEquals(RejectReason.WRONG_KIND, e.reason());
  }

  @Test
  void shouldKeepAPairTogether() throws RejectException {
    Document chosen = new Document(new int[] {1, 2, 3}, new byte[] {0, 0, 1});
    Document rejected = new Document(new int[] {1, 2, 4, 5}, new byte[] {1, 0, 1, 1});
    Document pair = Document.fromBytes(Document.pair(chosen, rejected, 0.25f).toBytes());
    assertArrayEquals(new int[] {1, 2, 3, 1, 2, 4, 5}, pair.ids());
    assertEquals(3, pair.second());
    assertEquals(0.25f, pair.margin());
    assertEquals(3, pair.targets(), "a document's first token is no target");
    LengthFilter six = new LengthFilter(2, 6, OnLong.TRUNCATE, false);
    assertEquals(
        RejectReason.TOO_LONG, assertThrows(RejectException.class, () -> six.apply(pair)).reason());
    Document silent = Document.pair(chosen, new Document(new int[2], new byte[2]), 0);
    LengthFilter seven = new LengthFilter(2, 7, OnLong.REJECT, false);
    assertEquals(
        RejectReason.NO_LOSS_TOKENS,
        assertThrows(RejectException.class, () -> seven.apply(silent)).reason());
    assertEquals(pair, seven.apply(pair));
  }

  private static Sample.Pair read(String json) throws RejectException, JsonProcessingException {
    RecordReader reader = new RecordReader(Schema.AUTO, Map.of(), Kind.PREFERENCE);
    return (Sample.Pair) reader.read(JsonValues.parse(json));
  }
}
