package org.sparktune.jobs.training;

import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.Task.Split;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.dataset.RowOrder;
import org.sparktune.trainer.model.BatchSize;
import org.sparktune.trainer.model.ScoredDecoder;

/** Evaluates a split of a prepared dataset; every document of a packed row is a sample. */
public final class DatasetEvaluator {
  private DatasetEvaluator() {}

  /**
   * Evaluates.
   *
   * @param batchSize rows a pass
   */
  public static Evaluation evaluate(
      LoadedDecoder model, String dataset, Split split, int batchSize, Configuration hadoop) {
    DatasetFolder folder =
        DatasetFolder.open(dataset, hadoop)
            .requireKind("sft")
            .requireTokenizer(model.tokenizer().fingerprint());
    SampleScorer scorer =
        new SampleScorer(
            model.decoder(), new BatchSize(batchSize, folder.manifest().sequenceLength()).tokens());
    int vocabulary = model.decoder().config().vocabularySize();
    try (DatasetReader reader = open(folder, split, vocabulary)) {
      for (long row = 0; row < reader.rows(); row++) {
        StopSignal.check("The evaluation");
        scorer.add(reader.next());
      }
    }
    return Evaluation.of(scorer.finish());
  }

  /**
   * Scores with a reward model: pairs, documents with scores of their own, or any others.
   *
   * @param batchSize rows a pass
   */
  public static RewardEvaluation score(
      LoadedDecoder model, String dataset, Split split, int batchSize, Configuration hadoop) {
    ScoredDecoder rewardModel = model.rewardModel();
    DatasetFolder folder =
        DatasetFolder.open(dataset, hadoop).requireTokenizer(model.tokenizer().fingerprint());
    boolean pairs = folder.manifest().kind().equals(Kind.PREFERENCE.word());
    RewardScorer scorer =
        new RewardScorer(
            rewardModel, new BatchSize(batchSize, folder.manifest().sequenceLength()).tokens());
    int vocabulary = model.decoder().config().vocabularySize();
    try (DatasetReader reader = open(folder, split, vocabulary)) {
      for (long row = 0; row < reader.rows(); row++) {
        StopSignal.check("The evaluation");
        scorer.add(reader.next(), pairs);
      }
      return scorer.finish(reader.sourceFiles());
    }
  }

  private static DatasetReader open(DatasetFolder folder, Split split, int vocabulary) {
    return switch (split) {
      case TRAIN -> folder.split("train", vocabulary, RowOrder.STORED);
      case VALIDATION -> folder.split("validation", vocabulary, RowOrder.STORED);
      case AUTO -> {
        Optional<DatasetReader> validation =
            folder.splitIfPresent("validation", vocabulary, RowOrder.STORED);
        yield validation.isPresent()
            ? validation.get()
            : folder.split("train", vocabulary, RowOrder.STORED);
      }
    };
  }
}
