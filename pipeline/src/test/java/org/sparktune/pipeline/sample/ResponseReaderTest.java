package org.sparktune.pipeline.sample;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.pipeline.sample.ResponseSet.Comparison;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.tokenizer.chat.ChatMessage;

class ResponseReaderTest {
  private static ResponseSet read(String json) throws RejectException {
    return read(json, Map.of());
  }

  private static ResponseSet read(String json, Map<String, String> columns) throws RejectException {
    try {
      return new ResponseReader(Schema.AUTO, columns).read(JsonValues.parse(json));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static List<Double> scores(ResponseSet set) {
    return set.responses().stream().map(ResponseSet.Response::score).toList();
  }

  @Test
  void shouldReadOneResponseWithItsScore() throws RejectException {
    ResponseSet set =
        read("{\"prompt\": \"2+2?\", \"response\": \"4\", \"score\": 3, \"group\": 7}");
    assertEquals(new Sample.Completion("2+2?", "4"), set.responses().get(0).sample());
    assertEquals(List.of(3.0), scores(set));
    assertEquals("7", set.group());
    assertEquals(1, set.responses().get(0).length());
  }

  @Test
  void shouldReadAJudgedCompletion() throws RejectException {
    ResponseSet text = read("{\"prompt\": \"2+2?\", \"completion\": \"4\", \"label\": true}");
    assertEquals(new Sample.Completion("2+2?", "4"), text.responses().get(0).sample());
    assertEquals(List.of(1.0), scores(text));
    ResponseSet turns =
        read(
            "{\"prompt\": [{\"role\": \"user\", \"content\": \"hi\"}], \"completion\": [{\"role\": \"assistant\", \"content\": \"yo\"}], \"label\": false}");
    assertEquals(List.of(0.0), scores(turns));
    ResponseSet ids =
        read("{\"prompt_ids\": [5, 6], \"completion_ids\": [7, 8, 9], \"label\": true}");
    Sample.Tokens tokens = (Sample.Tokens) ids.responses().get(0).sample();
    assertArrayEquals(new int[] {5, 6, 7, 8, 9}, tokens.ids());
    assertArrayEquals(new byte[] {0, 0, 1, 1, 1}, tokens.lossMask());
    assertEquals(3, ids.responses().get(0).length());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"prompt\": \"2+2?\", \"completion\": \" \", \"label\": true}",
        "{\"prompt\": \"2+2?\", \"completion\": \"4\"}",
        "{\"prompt\": \"2+2?\", \"completion\": \"4\", \"label\": \"good\"}",
        "{\"prompt_ids\": [5, 6], \"completion_ids\": [], \"label\": true}"
      })
  void shouldRejectACompletionThatIsEmptyOrNotJudged(String json) {
    assertThrows(RejectException.class, () -> read(json));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"prompt\": \"2+2?\", \"response\": \"5\", \"score\": -1}",
        "{\"prompt\": \"2+2?\", \"responses\": [{\"text\": \"4\", \"score\": 1}]}",
        "{\"prompt\": \"2+2?\", \"responses\": [\"4\"], \"scores\": [1]}",
        "{\"prompt\": \"2+2?\", \"response_a\": \"4\", \"response_b\": \"5\", \"winner\": \"a\"}"
      })
  void shouldKnowAPromptAgain(String json) throws RejectException {
    ResponseSet first = read("{\"prompt\": \"2+2?\", \"response\": \"4\", \"score\": 3}");
    assertEquals(first.prompt(), read(json).prompt());
    assertNotEquals(first.prompt(), read(json.replace("2+2", "2+3")).prompt());
  }

  @Test
  void shouldReadConversationsWithAScore() throws RejectException {
    ResponseSet messages =
        read(
            "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}, {\"role\": \"assistant\", \"content\": \"yo\"}], \"label\": true}",
            Map.of("score", "label"));
    ResponseSet other =
        read(
            "{\"prompt\": [{\"role\": \"user\", \"content\": \"hi\"}], \"response\": \"yo!\", \"score\": 0.5}");
    ResponseSet alpaca = read("{\"instruction\": \"hi\", \"output\": \"yo\", \"score\": 0}");
    assertEquals(List.of(1.0), scores(messages));
    assertEquals(messages.prompt(), other.prompt());
    assertEquals(messages.prompt(), alpaca.prompt());
    assertEquals(messages.responses().get(0).hash(), alpaca.responses().get(0).hash());
    Sample.Chat chat = (Sample.Chat) messages.responses().get(0).sample();
    assertEquals(
        List.of(false, true),
        chat.conversation().messages().stream().map(ChatMessage::carriesLoss).toList());
  }

  @Test
  void shouldReadTextAndTokensWithoutAPrompt() throws RejectException {
    assertFalse(read("{\"text\": \"some\", \"score\": 1}").hasPrompt());
    assertFalse(read("{\"input_ids\": [1, 2], \"score\": 1}").hasPrompt());
    ResponseSet answered =
        read("{\"input_ids\": [1, 2, 3], \"labels\": [-100, 2, 3], \"score\": 1}");
    assertTrue(answered.hasPrompt());
    assertEquals(2, answered.responses().get(0).length());
  }

  @Test
  void shouldReadRanksAndComparisons() throws RejectException {
    ResponseSet ranked =
        read(
            "{\"prompt\": \"p\", \"responses\": [{\"text\": \"b\", \"rank\": 2}, {\"text\": \"a\", \"rank\": 1}, {\"text\": \"c\", \"rank\": 2}]}");
    assertEquals(
        List.of(new Comparison(0, 1, 0), new Comparison(0, 2, 0.5), new Comparison(1, 2, 1)),
        ranked.comparisons());
    ResponseSet compared =
        read(
            "{\"instruction\": \"p\", \"responses\": [\"x\", \"y\", \"z\"], \"comparisons\": [[0, 1], [2, 1, \"tie\"]]}");
    assertEquals(
        List.of(new Comparison(0, 1, 1), new Comparison(2, 1, 0.5)), compared.comparisons());
    ResponseSet arena =
        read(
            "{\"prompt\": \"p\", \"response_a\": \"x\", \"response_b\": \"y\", \"winner\": \"model_b\"}");
    assertEquals(List.of(new Comparison(0, 1, 0)), arena.comparisons());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'prompt': 'p', 'response': 'r'} | BAD_SCORE",
        "{'prompt': 'p', 'response': 'r', 'score': null} | BAD_SCORE",
        "{'prompt': 'p', 'response': 'r', 'score': 'NaN'} | BAD_SCORE",
        "{'prompt': 'p', 'response': 'r', 'score': 1e999} | BAD_SCORE",
        "{'prompt': 'p', 'response': ' ', 'score': 1} | EMPTY",
        "{'prompt': '', 'response': 'r', 'score': 1} | EMPTY",
        "{'prompt': 'p', 'responses': [], 'scores': []} | EMPTY",
        "{'prompt': 'p', 'responses': ['r'], 'scores': [1, 2]} | BAD_SCORE",
        "{'prompt': 'p', 'responses': ['r', 's']} | BAD_SCORE",
        "{'prompt': 'p', 'responses': [{'text': 'r', 'rank': 1}, {'text': 's', 'score': 2}]} | BAD_SCORE",
        "{'prompt': 'p', 'responses': ['r', 's'], 'comparisons': [[0, 2]]} | BAD_SCORE",
        "{'prompt': 'p', 'responses': ['r', 's'], 'comparisons': [[0, 0]]} | BAD_SCORE",
        "{'prompt': 'p', 'response_a': 'r', 'response_b': 's', 'winner': 'x'} | BAD_SCORE",
        "{'prompt': 'p', 'chosen': 'r', 'rejected': 's', 'score': 1} | WRONG_KIND",
        "{'prompt': 'p', 'score': 1} | WRONG_KIND",
        "[1] | WRONG_TYPE"
      })
  void shouldRejectWithItsReason(String json, RejectReason reason) {
    RejectException problem =
        assertThrows(RejectException.class, () -> read(json.replace('\'', '"')));
    assertEquals(reason, problem.reason(), problem.getMessage());
  }
}
