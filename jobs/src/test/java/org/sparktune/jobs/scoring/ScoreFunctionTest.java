package org.sparktune.jobs.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.jobs.cli.SharedSpark;
import org.sparktune.pipeline.sample.RejectException;

@ExtendWith(SharedSpark.class)
class ScoreFunctionTest {
  @TempDir private static Path folder;

  @Test
  void shouldScoreTextsRecordsAndConversations() throws IOException, RejectException {
    Path path = TinyScorers.student(folder.resolve("student"));
    SparkSession session = SparkSession.active();
    ScoreFunction.register(session, "sparktune_score", path.toString());
    Row row =
        session
            .sql(
                """
                SELECT sparktune_score('What is one?'),
                  sparktune_score(named_struct('prompt', 'What is one?', 'response', ' Two.')),
                  sparktune_score(array(
                    named_struct('role', 'user', 'content', 'What is one?'),
                    named_struct('role', 'assistant', 'content', 'Two.'))),
                  sparktune_score(''),
                  sparktune_score(CAST(NULL AS STRING))
                """)
            .head();
    try (ScoringModel model = ScoringModel.open(path, ScoringModel.Options.DEFAULT)) {
      assertEquals(score(model, "What is one?"), row.getDouble(0));
      assertEquals(
          score(model, Map.of("prompt", "What is one?", "response", " Two.")), row.getDouble(1));
      assertEquals(
          score(
              model,
              Map.of(
                  "messages",
                  List.of(
                      Map.of("role", "user", "content", "What is one?"),
                      Map.of("role", "assistant", "content", "Two.")))),
          row.getDouble(2));
    }
    assertTrue(row.isNullAt(3) && row.isNullAt(4), row::toString);
  }

  @Test
  void shouldScoreManyRowsInSeveralTasksByOneRewardModel() throws IOException, RejectException {
    Path path = TinyScorers.rewardModel(folder.resolve("judge"));
    SparkSession session = SparkSession.active();
    ScoreFunction.register(session, "judge_score", path.toString());
    List<Row> rows =
        session
            .range(0, 64, 1, 4)
            .selectExpr("repeat('one ', int(1 + id % 8)) AS text")
            .selectExpr("text", "judge_score(text) AS score")
            .collectAsList();
    assertEquals(64, rows.size());
    assertNotEquals(rows.get(0).getDouble(1), rows.get(1).getDouble(1));
    try (ScoringModel model = ScoringModel.open(path, ScoringModel.Options.DEFAULT)) {
      for (Row row : rows) {
        assertEquals(score(model, row.getString(0)), row.getDouble(1));
      }
    }
  }

  private static double score(ScoringModel model, Object record) throws RejectException {
    return model.scores(List.of(model.encode(record).ids())).get(0).value();
  }
}
