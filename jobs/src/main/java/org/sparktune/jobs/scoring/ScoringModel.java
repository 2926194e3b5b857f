package org.sparktune.jobs.scoring;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.training.DocumentScore;
import org.sparktune.jobs.training.LoadedRewardModel;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.RejectReason;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;
import org.sparktune.trainer.dl4j.student.Student;
import org.sparktune.trainer.dl4j.student.StudentScorer;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.BatchSize;

/** A reward model or a student with its tokenizer. Safe for use by many threads. */
public interface ScoringModel extends AutoCloseable {

  /**
   * How a model is loaded.
   *
   * @param precision of a reward model; a student has its own
   * @param appendEos whether plain text for a reward model ends with the end-of-sequence token; a
   *     student knows by itself
   * @param maxTokens the longest document for a reward model, if it reads so many
   * @param documents of a reward model's pass, for the estimate of memory
   */
  record Options(
      Engines.PrecisionChoice precision, boolean appendEos, int maxTokens, int documents) {
    /** Comparable with other programs, one document a pass. */
    public static final Options DEFAULT = new Options(Engines.PrecisionChoice.FP32, false, 4096, 1);
  }

  /**
   * A document.
   *
   * @param ids at least one
   * @param truncated whether only its last tokens are read
   */
  record Encoded(int[] ids, boolean truncated) {}

  /**
   * Loads a model.
   *
   * @param path a student's folder, the PEFT folder of a reward model, or a whole one
   * @throws SparktuneException as {@link LoadedRewardModel#open} and {@link Student#load}; {@code
   *     MISMATCH} when a student has another's tokenizer
   */
  static ScoringModel open(Path path, Options options) {
    return Student.isIn(path) ? OfStudent.open(path) : OfDecoder.open(path, options);
  }

  /** What it is, in words. */
  String kind();

  /**
   * Reads a record.
   *
   * @throws RejectException when it cannot be scored
   */
  Encoded encode(Object record) throws RejectException;

  /**
   * Scores documents, in one pass where that is faster: a score does not depend on the others where
   * there is only one, and never with a student.
   */
  List<DocumentScore> scores(List<int[]> documents);

  /** How many threads can score at the same time without waiting for each other. */
  int parallelism();

  @Override
  void close();

  /** A student, a document at a time on the calling thread. */
  record OfStudent(StudentScorer scorer, RecordEncoder encoder) implements ScoringModel {
    private static ScoringModel open(Path path) {
      StudentScorer scorer = Student.load(path).scorer();
      Tokenizer tokenizer = Tokenizers.load(path);
      if (!tokenizer.fingerprint().equals(scorer.manifest().tokenizerFingerprint())) {
        throw new SparktuneException(
            ErrorCode.MISMATCH,
            "The tokenizer in %s is not the one that the student was trained with.".formatted(path),
            "Give the student folder that a distill task made, as a whole.");
      }
      return new OfStudent(
          scorer, new RecordEncoder(path, tokenizer, scorer.manifest().appendEos()));
    }

    @Override
    public String kind() {
      return "student";
    }

    @Override
    public Encoded encode(Object record) throws RejectException {
      int[] ids = encoder.encode(record);
      return new Encoded(ids, ids.length > scorer.manifest().maxTokens());
    }

    @Override
    public List<DocumentScore> scores(List<int[]> documents) {
      List<DocumentScore> scores = new ArrayList<>(documents.size());
      for (int[] ids : documents) {
        scores.add(new DocumentScore(scorer.score(ids), null));
      }
      return scores;
    }

    @Override
    public int parallelism() {
      return Runtime.getRuntime().availableProcessors();
    }

    @Override
    public void close() {
      // Nothing but memory.
    }
  }

  /** A reward model; its engine has threads of its own. */
  record OfDecoder(LoadedRewardModel model, RecordEncoder encoder, int maxTokens)
      implements ScoringModel {
    private static ScoringModel open(Path path, Options options) {
      LoadedRewardModel model =
          LoadedRewardModel.open(
              path, options.precision(), new BatchSize(options.documents(), options.maxTokens()));
      try {
        RecordEncoder encoder =
            new RecordEncoder(model.modelPath(), model.tokenizer(), options.appendEos());
        return new OfDecoder(model, encoder, Math.min(model.maxTokens(), options.maxTokens()));
      } catch (RuntimeException | Error e) {
        model.close();
        throw e;
      }
    }

    @Override
    public String kind() {
      return "reward model";
    }

    @Override
    public Encoded encode(Object record) throws RejectException {
      int[] ids = encoder.encode(record);
      if (ids.length > maxTokens) {
        throw new RejectException(
            RejectReason.TOO_LONG, ids.length + " tokens, more than " + maxTokens);
      }
      return new Encoded(ids, false);
    }

    @Override
    public List<DocumentScore> scores(List<int[]> documents) {
      List<Integer> starts = new ArrayList<>(List.of(0));
      int tokens = 0;
      for (int[] ids : documents) {
        tokens += ids.length;
        starts.add(tokens);
      }
      int[] ids = new int[tokens];
      int[] targets = new int[tokens];
      Arrays.fill(targets, Batch.IGNORED);
      for (int i = 0; i < documents.size(); i++) {
        System.arraycopy(documents.get(i), 0, ids, starts.get(i), documents.get(i).length);
      }
      int[] documentStarts = starts.stream().mapToInt(Integer::intValue).toArray();
      synchronized (model) {
        return model.scores(new Batch(ids, targets, documentStarts));
      }
    }

    @Override
    public int parallelism() {
      return 1;
    }

    @Override
    public void close() {
      model.close();
    }
  }
}
