package org.sparktune.jobs.training;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.prepare.SampleReader;
import org.sparktune.pipeline.sample.Document;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;
import org.sparktune.tokenizer.chat.ChatTemplates;
import org.sparktune.tokenizer.chat.ChatTokenizer;
import org.sparktune.trainer.dl4j.student.Student;
import org.sparktune.trainer.dl4j.student.StudentManifest;

/**
 * Scores the records of a raw file, or both completions of each where they are pairs, with a
 * student, and with the teacher that it should agree with. Every document is scored alone.
 */
public final class StudentEvaluator {
  private final List<Document> documents;
  private final Path path;

  /**
   * Reads a file as the student was trained to.
   *
   * @param path the student's folder
   * @throws SparktuneException as {@link SampleReader#readWithPairs}
   */
  public StudentEvaluator(Path path, Path data) {
    this.path = path;
    Tokenizer tokenizer = Tokenizers.load(path);
    ChatTokenizer chat =
        ChatTemplates.ofModel(path, tokenizer)
            .map(template -> new ChatTokenizer(tokenizer, template))
            .orElse(null);
    boolean appendEos = Student.manifest(path).appendEos();
    this.documents =
        SampleReader.readWithPairs(
            data, tokenizer, chat, new SampleReader.Options(false, appendEos, Integer.MAX_VALUE));
  }

  /** What the student says. */
  public RewardEvaluation student() {
    return evaluate(Student.load(path).scorer()::score);
  }

  /**
   * What a teacher says of the same documents.
   *
   * @throws SparktuneException {@code MISMATCH} when it reads other tokens; {@code BAD_DATA} when a
   *     document is longer than it reads
   */
  public RewardEvaluation teacher(LoadedRewardModel teacher) {
    StudentManifest manifest = Student.manifest(path);
    if (!teacher.tokenizer().fingerprint().equals(manifest.tokenizerFingerprint())) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The teacher reads other tokens than the student %s.".formatted(path),
          "Give the reward model that taught it.");
    }
    return evaluate(ids -> teacher.score(fitting(ids, teacher.maxTokens())));
  }

  private static int[] fitting(int[] ids, int maxTokens) {
    if (ids.length > maxTokens) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "A document has %d tokens, the teacher reads %d.".formatted(ids.length, maxTokens),
          "Remove it from the file.");
    }
    return ids;
  }

  private RewardEvaluation evaluate(ToDoubleFunction<int[]> scorer) {
    List<RewardEvaluation.Sample> samples = new ArrayList<>();
    for (Document document : documents) {
      int[] ids = document.ids();
      if (document.isPair()) {
        int[] chosen = Arrays.copyOf(ids, document.second());
        int[] rejected = Arrays.copyOfRange(ids, document.second(), ids.length);
        samples.add(
            new RewardEvaluation.Pair(
                scorer.applyAsDouble(chosen),
                scorer.applyAsDouble(rejected),
                chosen.length,
                rejected.length,
                null,
                null));
      } else {
        samples.add(new RewardEvaluation.Single(scorer.applyAsDouble(ids), ids.length, null, null));
      }
    }
    return RewardEvaluation.of(samples, List.of());
  }
}
