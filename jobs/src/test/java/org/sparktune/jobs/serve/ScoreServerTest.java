package org.sparktune.jobs.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.cli.CommandRun;
import org.sparktune.jobs.scoring.ScoringModel;
import org.sparktune.jobs.scoring.TinyScorers;
import org.sparktune.tokenizer.Tokenizers;
import org.sparktune.trainer.dl4j.student.Student;
import org.sparktune.trainer.dl4j.student.StudentScorer;

class ScoreServerTest {
  private static final String TEXT = "{\"text\": \"What is one?\"}";

  @TempDir private static Path folder;
  private static ScoringModel student;
  private static StudentScorer scorer;
  private static ScoreServer server;
  private static Client client;

  @BeforeAll
  static void start() throws IOException {
    Path path = TinyScorers.student(folder.resolve("student"));
    student = ScoringModel.open(path, ScoringModel.Options.DEFAULT);
    scorer = Student.load(path).scorer();
    server = ScoreServer.start(student, options(64, 4, 1, 60_000));
    client = new Client(server);
  }

  @AfterAll
  static void stop() {
    server.close();
    student.close();
  }

  private static ServeOptions options(int queue, int batch, int wait, int timeout) {
    return new ServeOptions("127.0.0.1", 0, queue, batch, wait, timeout, 4000, 60, 2000);
  }

  private static double expected(String text) {
    int[] ids = Tokenizers.load(folder.resolve("student")).encode(text, true);
    int[] ended = Arrays.copyOf(ids, ids.length + 1);
    ended[ids.length] =
        Tokenizers.load(folder.resolve("student")).eosId().orElseThrow(); // append_eos
    return scorer.score(ended);
  }

  @Test
  void shouldScoreTextsConversationsAndResponses() {
    HttpResponse<String> single = client.post(TEXT).join();
    assertEquals(200, single.statusCode(), single::body);
    assertEquals("application/json", single.headers().firstValue("content-type").orElse(""));
    assertEquals(expected("What is one?"), Client.json(single).get("score").asDouble());
    assertFalse(Client.json(single).get("truncated").asBoolean());
    JsonNode results =
        Client.json(
                client
                    .post(
                        """
                        {"inputs": ["What is one?",
                         {"messages": [{"role": "user", "content": "What is one?"},
                                       {"role": "assistant", "content": "Two."}]},
                         {"prompt": "What is one?", "response": " Two."},
                         {"prompt": "What is one?", "response": " Three."},
                         {"input_ids": [1, 2, 3]},
                         {"text": "What is one and one and one and one and one and one?"}]}
                        """)
                    .join())
            .get("results");
    assertEquals(6, results.size());
    assertEquals(expected("What is one?"), results.get(0).get("score").asDouble());
    assertNotEquals(results.get(2).get("score"), results.get(3).get("score"));
    assertEquals(scorer.score(new int[] {1, 2, 3}), results.get(4).get("score").asDouble());
    assertEquals(3, results.get(4).get("tokens").asInt());
    assertTrue(results.get(5).get("truncated").asBoolean());
    assertTrue(results.get(5).get("tokens").asInt() > TinyScorers.MAX_TOKENS);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"text\": | The body is not JSON at line 1",
        "{} x | The body is not JSON at line 1",
        "[1] | The body is no JSON object",
        "{} | The input cannot be scored: no schema",
        "{\"text\": 3} | The input cannot be scored",
        "{\"text\": \"\"} | The input cannot be scored: the text is empty",
        "{\"inputs\": []} | at least one record",
        "{\"inputs\": [null]} | at least one record",
        "{\"inputs\": [\"one\", {\"messages\": []}]} | inputs[1] cannot be scored",
        "{\"input_ids\": [100000]} | the vocabulary has",
      })
  void shouldSayWhatIsWrongWithABody(String body, String words) {
    HttpResponse<String> response = client.post(body).join();
    assertEquals(400, response.statusCode(), response::body);
    String error = Client.json(response).get("error").asText();
    assertTrue(error.contains(words), error);
    assertTrue(error.endsWith("."), error);
  }

  @Test
  void shouldRefuseOtherPathsMethodsAndSizes() throws IOException {
    assertEquals(404, client.send("GET", "/v1/scores").statusCode());
    HttpResponse<String> wrong = client.send("GET", "/v1/score");
    assertEquals(405, wrong.statusCode());
    assertEquals("POST", wrong.headers().firstValue("Allow").orElse(""));
    assertEquals(405, client.send("DELETE", "/health").statusCode());
    assertEquals(200, client.send("HEAD", "/health").statusCode());
    try (Socket socket = client.connect()) {
      socket.getOutputStream().write(Client.raw("{\"text\": \"%s\"}".formatted("x".repeat(9000))));
      assertTrue(Client.readBody(socket).contains("larger than 4000 bytes"));
    }
    try (Socket socket = client.connect()) {
      socket.getOutputStream().write("good morning\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      assertTrue(Client.readBody(socket).contains("not HTTP"));
    }
    assertEquals(200, client.post(TEXT).join().statusCode());
    SparktuneException taken =
        assertThrows(
            SparktuneException.class,
            () ->
                ScoreServer.start(
                    student,
                    new ServeOptions(
                        "127.0.0.1", server.address().getPort(), 1, 1, 0, 1, 1, 1, 1)));
    assertEquals(ErrorCode.OUTPUT, taken.code());
  }

  @Test
  void shouldScoreForManyAtOnceWithoutMixingThemUp() {
    List<CompletableFuture<HttpResponse<String>>> responses = new ArrayList<>();
    for (int round = 0; round < 6; round++) {
      for (int i = 0; i < 10; i++) {
        responses.add(client.post("{\"text\": \"%s\"}".formatted("one ".repeat(1 + i))));
      }
    }
    for (int i = 0; i < responses.size(); i++) {
      assertEquals(
          expected("one ".repeat(1 + i % 10)),
          Client.json(responses.get(i).join()).get("score").asDouble());
    }
  }

  @Test
  void shouldAnswerOthersWhileClientsAreSlow() throws IOException {
    byte[] request = Client.raw(TEXT);
    List<Socket> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 200; i++) {
        Socket socket = client.connect();
        socket.getOutputStream().write(request, 0, 1 + i % (request.length - 1));
        slow.add(socket);
      }
      assertEquals(200, client.post(TEXT).join().statusCode());
      Socket last = slow.get(199);
      int sent = 1 + 199 % (request.length - 1);
      last.getOutputStream().write(request, sent, request.length - sent);
      assertEquals(
          expected("What is one?"), Client.json(Client.readBody(last)).get("score").asDouble());
    } finally {
      for (Socket socket : slow) {
        socket.close();
      }
    }
  }

  @Test
  void shouldAnswerInOrderWhatIsSentWithoutWaiting() throws IOException {
    try (Socket socket = client.connect()) {
      for (int i = 1; i <= 5; i++) {
        socket.getOutputStream().write(Client.raw("{\"input_ids\": [%d]}".formatted(i)));
      }
      for (int i = 1; i <= 5; i++) {
        double score = Client.json(Client.readBody(socket)).get("score").asDouble();
        assertEquals(scorer.score(new int[] {i}), score);
      }
    }
  }

  @Test
  void shouldCountWhatItDoes() {
    client.post(TEXT).join();
    HttpResponse<String> response = client.send("GET", "/metrics");
    assertTrue(response.headers().firstValue("content-type").orElse("").startsWith("text/plain"));
    String text = response.body();
    assertTrue(text.contains("sparktune_requests_total{path=\"/v1/score\",code=\"200\"} "), text);
    assertTrue(text.contains("sparktune_request_seconds_bucket{le=\"+Inf\"} "), text);
    assertTrue(text.contains("sparktune_ready 1\n"), text);
    for (String line : text.lines().toList()) {
      assertTrue(line.startsWith("#") || line.matches("[a-z_]+(\\{.*\\})? [0-9.E+-]+"), line);
    }
  }

  private static void awaitMetric(Client asks, String line) {
    while (!asks.send("GET", "/metrics").body().contains(line)) {
      Thread.onSpinWait();
    }
  }

  @Test
  void shouldRefuseMoreThanCanWait() throws InterruptedException {
    try (GatedModel model = new GatedModel();
        ScoreServer gated = ScoreServer.start(model, options(2, 1, 0, 60_000))) {
      Client asks = new Client(gated);
      CompletableFuture<HttpResponse<String>> first = asks.post(TEXT);
      model.begun.acquire();
      CompletableFuture<HttpResponse<String>> waiting =
          asks.post("{\"inputs\": [\"one\", \"two\"]}");
      awaitMetric(asks, "sparktune_queue_documents 2\n");
      HttpResponse<String> refused = asks.post(TEXT).join();
      assertEquals(429, refused.statusCode());
      assertEquals("1", refused.headers().firstValue("Retry-After").orElse(""));
      HttpResponse<String> never = asks.post("{\"inputs\": [\"a\", \"b\", \"c\"]}").join();
      assertEquals(400, never.statusCode());
      model.gate.release(1000);
      assertEquals(200, first.join().statusCode());
      assertEquals(200, waiting.join().statusCode());
    }
  }

  @Test
  void shouldGiveUpWhatTakesTooLong() throws InterruptedException {
    try (GatedModel model = new GatedModel();
        ScoreServer gated = ScoreServer.start(model, options(8, 1, 0, 50))) {
      Client asks = new Client(gated);
      CompletableFuture<HttpResponse<String>> stuck = asks.post(TEXT);
      model.begun.acquire();
      CompletableFuture<HttpResponse<String>> behind = asks.post(TEXT);
      assertEquals(504, stuck.join().statusCode());
      assertEquals(504, behind.join().statusCode());
      model.gate.release();
      // The worker passes over what nobody waits for any more: it is free again.
      awaitMetric(asks, "sparktune_documents_total 1\n");
      assertEquals(0, model.begun.availablePermits());
    }
  }

  @Test
  void shouldFinishWhatItAcceptedAndThenEnd() throws InterruptedException {
    try (GatedModel model = new GatedModel();
        ScoreServer gated = ScoreServer.start(model, options(8, 1, 0, 60_000))) {
      Client asks = new Client(gated);
      CompletableFuture<HttpResponse<String>> accepted = asks.post(TEXT);
      model.begun.acquire();
      assertEquals("ready", Client.json(asks.send("GET", "/health")).get("status").asText());
      gated.drain();
      HttpResponse<String> health = asks.send("GET", "/health");
      assertEquals(503, health.statusCode());
      assertEquals("draining", Client.json(health).get("status").asText());
      assertEquals(503, asks.post(TEXT).join().statusCode());
      assertFalse(accepted.isDone());
      model.gate.release();
      assertEquals(200, accepted.join().statusCode());
      gated.awaitDrained();
    }
  }

  @Test
  void shouldGiveARewardModelsScoresAsEvaluateDoes() throws IOException {
    Path path = TinyScorers.rewardModel(folder.resolve("judge"));
    List<String> records =
        List.of(TEXT, "{\"text\": \"one and one\"}", "{\"text\": \"What is one and three? One.\"}");
    Files.write(folder.resolve("records.jsonl"), records);
    JsonNode samples =
        CommandRun.in(
                folder,
                "evaluate",
                "--model",
                path,
                "--data",
                "records.jsonl",
                "--batch-tokens",
                1,
                "--json")
            .json()
            .get("samples");
    try (ScoringModel model = ScoringModel.open(path, ScoringModel.Options.DEFAULT);
        ScoreServer judge = ScoreServer.start(model, options(64, 1, 0, 60_000))) {
      Client asks = new Client(judge);
      JsonNode results =
          Client.json(asks.post("{\"inputs\": [%s]}".formatted(String.join(",", records))).join())
              .get("results");
      assertEquals(3, samples.size());
      for (int i = 0; i < 3; i++) {
        assertEquals(
            samples.get(i).get("score").asDouble(), results.get(i).get("score").asDouble());
        assertEquals(samples.get(i).get("tokens").asInt(), results.get(i).get("tokens").asInt());
      }
      HttpResponse<String> tooLong =
          asks.post("{\"text\": \"%s\"}".formatted("xyz ".repeat(300))).join();
      assertEquals(400, tooLong.statusCode());
      assertTrue(tooLong.body().contains("more than 128"), tooLong::body);
    }
  }
}
