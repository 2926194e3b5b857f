package org.sparktune.jobs.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.training.Evaluation;
import org.sparktune.jobs.training.FileEvaluator;
import org.sparktune.jobs.training.LoadedDecoder;
import org.sparktune.jobs.training.LoadedRewardModel;
import org.sparktune.jobs.training.ModelLocations;
import org.sparktune.jobs.training.RewardEvaluation;
import org.sparktune.jobs.training.StudentEvaluator;
import org.sparktune.jobs.training.TeacherAgreement;
import org.sparktune.pipeline.storage.HadoopSettings;
import org.sparktune.pipeline.storage.LocalCopies;
import org.sparktune.trainer.dl4j.student.Student;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.BatchSize;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Loss and perplexity of a model over the records of a file. */
@Command(
    name = "evaluate",
    description = {
      "Loss and perplexity of a model, with or without an adapter, over a JSONL file.",
      "Records are recognised as in training: messages, conversations, instruction/output,",
      "text, or input_ids with labels. A reward model scores each of them instead, or both",
      "completions of preference pairs, and tells how many pairs it ranks as given; so does a",
      "student, and with --teacher how near it is to the reward model that taught it."
    })
final class EvaluateCommand extends BaseCommand {
  @Mixin private ModelOptions modelOptions;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "FILE",
      description = "A JSONL file, one sample a line.")
  private String data;

  @Option(
      names = "--train-on",
      paramLabel = "WORD",
      defaultValue = "ASSISTANT",
      description = "Which tokens of a conversation count: assistant (default) or all.")
  private TrainOn trainOn;

  @Option(
      names = "--append-eos",
      description = "End plain text with the end-of-sequence token, as training does.")
  private boolean appendEos;

  @Option(
      names = "--batch-tokens",
      paramLabel = "N",
      defaultValue = "4096",
      description = "Tokens a pass (default ${DEFAULT-VALUE}); the result does not depend on it.")
  private int batchTokens;

  @Option(
      names = "--teacher",
      paramLabel = "PATH",
      description = "With a student: the reward model to compare it with, a folder or an adapter.")
  private String teacher;

  @Option(
      names = "--json",
      description = "Print loss, tokens, perplexity and every sample's loss and tokens as JSON.")
  private boolean json;

  /** Words of {@code --train-on}. */
  enum TrainOn {
    ASSISTANT,
    ALL
  }

  EvaluateCommand(Console console) {
    super(console);
  }

  @Override
  void run() {
    if (batchTokens < 1) {
      throw new SparktuneException(
          ErrorCode.USAGE, "--batch-tokens is %d.".formatted(batchTokens), "Give 1 or more.");
    }
    Path modelPath = modelOptions.modelPath(console());
    if (Student.isIn(modelPath)) {
      evaluateStudent(new StudentEvaluator(modelPath, dataPath()));
      return;
    }
    if (teacher != null) {
      throw new SparktuneException(
          ErrorCode.USAGE,
          "--teacher is for a student, and %s is none.".formatted(modelPath),
          "Leave it out, or give a student's folder as --model.");
    }
    try (LoadedDecoder model = modelOptions.load(console(), BatchSize.ofTokens(batchTokens))) {
      if (model.isRewardModel()) {
        printScores(FileEvaluator.score(model, modelPath, dataPath(), appendEos, batchTokens));
        return;
      }
      Evaluation evaluation =
          FileEvaluator.evaluate(
              model, modelPath, dataPath(), trainOn == TrainOn.ASSISTANT, appendEos, batchTokens);
      if (json) {
        printJson(evaluation);
        return;
      }
      console()
          .out()
          .printf(
              "loss %.6f  perplexity %.4f  over %,d tokens of %,d samples%n",
              evaluation.loss(),
              evaluation.perplexity(),
              evaluation.tokens(),
              evaluation.samples().size());
    }
  }

  private void evaluateStudent(StudentEvaluator evaluator) {
    RewardEvaluation evaluation = evaluator.student();
    if (teacher == null) {
      printScores(evaluation);
      return;
    }
    Path path = ModelLocations.adapter(console().location(teacher), HadoopSettings.here());
    try (LoadedRewardModel loaded =
        LoadedRewardModel.open(
            path, Engines.PrecisionChoice.FP32, BatchSize.ofTokens(batchTokens))) {
      TeacherAgreement agreement = TeacherAgreement.of(evaluation, evaluator.teacher(loaded));
      if (json) {
        printJson(Map.of("student", evaluation, "teacher", agreement));
        return;
      }
      Map<String, Object> all = new LinkedHashMap<>(evaluation.summary());
      all.putAll(agreement.summary());
      printLine(all);
    }
  }

  private Path dataPath() {
    return LocalCopies.ofProcess().get(console().location(data), HadoopSettings.here());
  }

  private void printScores(RewardEvaluation evaluation) {
    if (json) {
      printJson(evaluation);
      return;
    }
    printLine(evaluation.summary());
  }

  private void printLine(Map<String, Object> summary) {
    StringBuilder line = new StringBuilder();
    summary.forEach((name, value) -> line.append("%s %s  ".formatted(name, rounded(value))));
    console().out().println(line.toString().strip());
  }

  private static String rounded(Object value) {
    return value instanceof Double number ? "%.4f".formatted(number) : value.toString();
  }
}
