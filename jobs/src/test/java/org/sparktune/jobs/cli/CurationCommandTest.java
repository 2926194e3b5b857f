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

/** Cleaning, deduplication and decontamination from a specification. */
@ExtendWith(SharedSpark.class)
class CurationCommandTest {
  @TempDir private Path folder;

  private void write(String options) throws IOException {
    TinyWorkflow.write(folder);
    TinyWorkflow.writeSpec(folder.resolve("spec.yaml"), options);
  }

  @Test
  void shouldCurateAsTheSpecificationSays() throws IOException {
    write(
        """
              clean: {html: true, whitespace: trim, pii: [email]}
              deduplicate: {fuzzy: true}
              decontaminate: {against: [evaluation.jsonl], ngram: 8}
        """);
    Path data = folder.resolve("data.jsonl");
    Files.writeString(
        data,
        Files.readString(data)
            + TinyWorkflow.record(3).replace("What", "<b>WHAT</b>")
            + "\n{\"instruction\": \"Who is it?\", \"output\": \"Ask me@example.org.\"}"
            + "\n{\"instruction\": \"What is the name of the seventh day of the week?\", \"output\": \"Sunday.\"}\n");
    Files.writeString(
        folder.resolve("evaluation.jsonl"),
        "{\"q\": \"Tell me: what is the name of the seventh day of the week?\"}\n");

    JsonNode plan =
        CommandRun.in(folder, "prepare", "spec.yaml", "--dry-run", "--json").requireDone().json();
    assertTrue(plan.toString().contains("\"sampled_rejects\":1"), plan.toString());

    JsonNode result =
        CommandRun.in(folder, "prepare", "spec.yaml", "--json")
            .requireDone()
            .json()
            .get("tasks")
            .get(0)
            .get("result");
    assertEquals(27, result.get("records").asInt());
    assertEquals(1, result.get("rejects").get("duplicate").asInt(), result.toString());
    assertEquals(1, result.get("rejects").get("contaminated").asInt(), result.toString());
    assertEquals(1, result.get("counters").get("masked.email").asInt(), result.toString());

    JsonNode shown =
        CommandRun.in(folder, "inspect", "out/data/dataset", "--json").requireDone().json();
    assertTrue(shown.toString().contains("\"masked.email\":1"), shown.toString());

    Files.writeString(folder.resolve("evaluation.jsonl"), "{\"q\": \"Another question.\"}\n");
    CommandRun.in(folder, "prepare", "spec.yaml").requireFailure(ErrorCode.OUTPUT, "other values");
  }

  @Test
  void shouldSayWhatIsWrongWithTheOptions() throws IOException {
    write("      clean: {filters: [gofer]}\n");
    CommandRun.in(folder, "prepare", "spec.yaml")
        .requireFailure(ErrorCode.INVALID_SPEC, "'gofer'", "Did you mean 'gopher'?");
  }

  @Test
  void shouldSayWhichLanguagesItKnows() throws IOException {
    write("      clean: {languages: [bo]}\n");
    CommandRun.in(folder, "prepare", "spec.yaml")
        .requireFailure(ErrorCode.UNSUPPORTED, "The language bo cannot be told", "eng");
  }
}
