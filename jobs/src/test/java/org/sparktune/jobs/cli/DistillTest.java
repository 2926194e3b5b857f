package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;
import org.sparktune.tokenizer.Tokenizers;
import org.sparktune.trainer.dl4j.student.Student;

/** {@code task_type: distill}: pairs to a reward model to a student to a policy's reward. */
@ExtendWith(SharedSpark.class)
class DistillTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int PAIRS = 24;

  @TempDir private static Path folder;

  @BeforeAll
  static void trainATeacher() throws IOException {
    TinyModel.write(folder.resolve("model"));
    Random random = new Random(4);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < PAIRS; i++) {
      // The better completion is made of other tokens than the worse one.
      lines.add(
          "{\"prompt_ids\": %s, \"chosen_ids\": %s, \"rejected_ids\": %s}"
              .formatted(
                  ids(random, 4, 10, 260), ids(random, 5, 10, 130), ids(random, 4, 140, 260)));
    }
    Files.write(folder.resolve("pairs.jsonl"), lines);
    Files.writeString(folder.resolve("spec.yaml"), spec());
    CommandRun.in(folder, "train", "spec.yaml").requireDone();
  }

  private static List<Integer> ids(Random random, int count, int from, int to) {
    return random.ints(count, from, to).boxed().toList();
  }

  @Test
  void shouldMakeAStudentThatRanksAsItsTeacher() throws IOException {
    List<JsonNode> lines = metrics("out");
    JsonNode first = lines.get(0);
    JsonNode last = lines.get(lines.size() - 1);
    assertEquals(0, first.get("step").asInt());
    assertTrue(first.get("eval_kl").asDouble() > last.get("eval_kl").asDouble(), lines::toString);
    assertTrue(last.get("eval_loss").asDouble() < first.get("eval_loss").asDouble() / 2);
    assertEquals(
        last.get("eval_loss").asDouble(),
        last.get("eval_ce").asDouble() + 0.5 * last.get("eval_kl").asDouble(),
        1e-9);
    assertTrue(last.get("eval_correlation").asDouble() > 0.9, lines::toString);
    assertTrue(last.get("eval_pair_agreement").asDouble() > 0.9, lines::toString);
    long steps = lines.stream().filter(line -> line.has("lr")).count();
    assertEquals(5 * (2 * PAIRS / 8), steps);
    Student student = Student.load(folder.resolve("out/small/student"));
    assertEquals(
        Tokenizers.load(folder.resolve("out/small/student")).fingerprint(),
        student.manifest().tokenizerFingerprint());
  }

  @Test
  void shouldEvaluateAndInspectAStudent() throws IOException {
    JsonNode both =
        CommandRun.in(
                folder,
                "evaluate",
                "--model",
                "out/small/student",
                "--teacher",
                "out/judge/adapter",
                "--data",
                "pairs.jsonl",
                "--json")
            .requireDone()
            .json();
    assertTrue(both.at("/teacher/correlation").asDouble() > 0.9, both::toString);
    assertTrue(both.at("/teacher/pair_agreement").asDouble() > 0.9, both::toString);
    assertTrue(both.at("/student/pairs/accuracy").asDouble() > 0.9, both::toString);
    assertEquals(PAIRS, both.at("/student/samples").size());
    CommandRun alone =
        CommandRun.in(
                folder,
                "evaluate",
                "--model",
                "out/small/student",
                "--data",
                "pairs.jsonl",
                "--json")
            .requireDone();
    assertEquals(both.get("student"), alone.json());
    CommandRun.in(
            folder, "evaluate", "--model", "model", "--teacher", "model", "--data", "pairs.jsonl")
        .requireFailure(ErrorCode.USAGE, "--teacher is for a student");
    JsonNode inspected =
        CommandRun.in(folder, "inspect", "out/small/student", "--json").requireDone().json();
    assertEquals("student", inspected.get("kind").asText());
    assertEquals(8, inspected.at("/facts/hidden_size").asInt());
    assertEquals(
        Student.load(folder.resolve("out/small/student")).graph().numParams(),
        inspected.get("parameters").asLong());
  }

  @Test
  void shouldGiveTheSameBitsOnTwoRanksAndWhenResumed() throws IOException {
    float[] alone = parameters("out");
    copy(folder.resolve("out/judge"), folder.resolve("two/judge"));
    copy(folder.resolve("out/spec.yaml"), folder.resolve("two/spec.yaml"));
    CommandRun.in(folder, "train", "spec.yaml", "--output", "two", "--set", "executors=2")
        .requireDone();
    assertArrayEquals(alone, parameters("two"));
    // As a run that was stopped behind its last epoch leaves it: labels and a checkpoint.
    List<String> before = Files.readAllLines(folder.resolve("two/small/metrics.jsonl"));
    Files.delete(folder.resolve("two/small/_done.json"));
    delete(folder.resolve("two/small/student"));
    CommandRun.in(folder, "train", "spec.yaml", "--output", "two", "--set", "executors=2")
        .requireDone();
    assertArrayEquals(alone, parameters("two"));
    assertEquals(before, Files.readAllLines(folder.resolve("two/small/metrics.jsonl")));
  }

  @Test
  void shouldRewardAPolicy() throws IOException {
    Files.writeString(
        folder.resolve("prompts.jsonl"),
        "{\"prompt\": \"What is one?\"}\n{\"prompt\": \"What is two?\"}\n");
    Files.writeString(
        folder.resolve("policy.yaml"),
        """
        name: policy
        output: policy
        base_model: model
        tasks:
          - name: solver
            task_type: ppo
            dataset: {sources: [prompts.jsonl], sequence_length: 32}
            hyperparams:
              max_steps: 2
              batch_size: 2
              precision: fp32
              ppo:
                algorithm: rloo
                group_size: 4
                max_new_tokens: 4
                temperature: 1.0
                reward: {model: out/small/student}
              lora: {rank: 2}
        """);
    CommandRun.in(folder, "train", "policy.yaml").requireDone();
    List<String> steps = Files.readAllLines(folder.resolve("policy/solver/metrics.jsonl"));
    assertTrue(JSON.readTree(steps.get(0)).get("score_std").asDouble() > 0, steps::toString);
  }

  @Test
  void shouldRefuseWhatCannotTeachOrBeTaught() throws IOException {
    Files.writeString(
        folder.resolve("wrong.yaml"),
        spec().replace("teacher: judge", "teacher: model").replace("output: out", "output: no"));
    CommandRun.in(folder, "train", "wrong.yaml")
        .requireFailure(ErrorCode.MISMATCH, "has no score head");
    Files.writeString(
        folder.resolve("prompts.jsonl"),
        "{\"prompt\": \"What is one?\"}\n{\"prompt\": \"What is two?\"}\n");
    Files.writeString(
        folder.resolve("wrong.yaml"),
        spec()
            .replace("output: out", "output: none")
            .replace("teacher: judge", "teacher: out/judge/adapter")
            .replace(
                "{kind: preference, sources: [pairs.jsonl], sequence_length: 64}",
                "{kind: prompt, sources: [prompts.jsonl], sequence_length: 64}"));
    CommandRun.in(folder, "train", "wrong.yaml").requireFailure(ErrorCode.MISMATCH, "kind prompt");
  }

  private static String spec() {
    return """
        name: rewards
        output: out
        base_model: model
        tasks:
          - name: judge
            task_type: reward_model
            dataset: {sources: [pairs.jsonl], sequence_length: 64}
            hyperparams:
              max_steps: 12
              batch_size: 8
              learning_rate: 1.0e-2
              schedule: constant
              warmup_steps: 0
              precision: fp32
          - name: small
            task_type: distill
            teacher: judge
            dataset: {kind: preference, sources: [pairs.jsonl], sequence_length: 64}
            hyperparams:
              epochs: 5
              batch_size: 4
              gradient_accumulation_steps: 2
              learning_rate: 2.0e-2
              distill: {classes: 9}
              student: {hidden_size: 8, max_tokens: 32}
        """;
  }

  private static List<JsonNode> metrics(String output) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(folder.resolve(output).resolve("small/metrics.jsonl"))) {
      lines.add(JSON.readTree(line));
    }
    return lines;
  }

  private static float[] parameters(String output) {
    Student student = Student.load(folder.resolve(output).resolve("small/student"));
    return student.graph().params().toFloatVector();
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> walk = Files.walk(from)) {
      for (Path file : walk.toList()) {
        Path target = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.createDirectories(target.getParent());
          Files.copy(file, target);
        }
      }
    }
  }

  private static void delete(Path path) throws IOException {
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
