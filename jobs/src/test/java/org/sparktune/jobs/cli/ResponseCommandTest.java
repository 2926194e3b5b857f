package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;

/** Rewards and pairs from a specification. */
@ExtendWith(SharedSpark.class)
class ResponseCommandTest {
  @TempDir private Path folder;

  private void write() throws IOException {
    TinyModel.write(folder.resolve("model"));
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 30; i++) {
      lines.append(
          "{\"prompt\": \"What is %d?\", \"response\": \"It is %d.\", \"reward\": %s}%n"
              .formatted(i % 10, i, i == 29 ? "null" : i / 10));
    }
    Files.writeString(folder.resolve("responses.jsonl"), lines);
    Files.writeString(
        folder.resolve("spec.yaml"),
        """
        name: responses
        output: out
        base_model: model
        tasks:
          - name: scores
            task_type: prepare
            dataset:
              sources: [{path: responses.jsonl, columns: {score: reward}, name: tiny}]
              rewards: {normalize: min_max}
          - name: pairs
            task_type: prepare
            dataset:
              sources: [{path: responses.jsonl, columns: {score: reward}}]
              pairs: {}
        """);
  }

  @Test
  void shouldPrepareRewardsAndPairsAsTheSpecificationSays() throws IOException {
    write();
    JsonNode plan =
        CommandRun.in(folder, "prepare", "spec.yaml", "--dry-run", "--json").requireDone().json();
    assertTrue(plan.toString().contains("\"sampled_rejects\":1"), plan.toString());

    JsonNode tasks =
        CommandRun.in(folder, "prepare", "spec.yaml", "--json").requireDone().json().get("tasks");
    JsonNode scores = tasks.get(0).get("result");
    assertEquals(30, scores.get("records").asInt());
    assertEquals(1, scores.get("rejects").get("bad_score").asInt(), scores.toString());
    assertEquals(29, scores.get("scores").get("tiny").get("count").asInt(), scores.toString());
    JsonNode pairs = tasks.get(1).get("result");
    assertEquals(10, pairs.get("counters").get("pairs.made").asInt(), pairs.toString());
    assertEquals(29, pairs.get("counters").get("pairs.responses").asInt(), pairs.toString());

    JsonNode shown =
        CommandRun.in(folder, "inspect", "out/scores/dataset", "--json")
            .requireDone()
            .json()
            .get("facts");
    assertEquals("reward", shown.get("kind").asText());
    assertEquals(2, shown.get("scores").get("tiny").get("max").asDouble(), shown.toString());
    assertEquals(29, shown.get("splits").get("train").get("documents").asInt());
  }

  @Test
  void shouldSayWhatIsWrongWithTheOptions() throws IOException {
    write();
    CommandRun.in(folder, "prepare", "spec.yaml", "--set", "pairs.dataset.pairs.strategy=best")
        .requireFailure(ErrorCode.INVALID_SPEC, "'best'", "best_worst");
  }
}
