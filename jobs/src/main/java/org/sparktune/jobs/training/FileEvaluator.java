package org.sparktune.jobs.training;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.sparktune.pipeline.prepare.SampleReader;
import org.sparktune.pipeline.sample.Document;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.chat.ChatTemplates;
import org.sparktune.tokenizer.chat.ChatTokenizer;
import org.sparktune.trainer.dataset.DatasetRow;

/**
 * Evaluates the records of a raw file, one sample a record, without Spark. A record that cannot be
 * used is an error: samples and lines must stay side by side.
 */
public final class FileEvaluator {
  private FileEvaluator() {}

  /**
   * Evaluates a file.
   *
   * @param modelPath where the model's chat template is
   * @param assistantOnly whether only assistant turns of conversations carry loss
   * @param appendEos whether plain text ends with the end-of-sequence token
   * @param batchTokens samples share a pass while their tokens stay below this
   */
  public static Evaluation evaluate(
      LoadedDecoder model,
      Path modelPath,
      Path data,
      boolean assistantOnly,
      boolean appendEos,
      int batchTokens) {
    SampleScorer scorer = new SampleScorer(model.decoder(), batchTokens);
    long line = 0;
    for (Document document :
        read(model, modelPath, data, assistantOnly, appendEos, SampleReader::read)) {
      scorer.add(row(document, data, line++));
    }
    return Evaluation.of(scorer.finish());
  }

  /**
   * Scores a file's records, or both completions of each where they are pairs, with a reward model.
   */
  public static RewardEvaluation score(
      LoadedDecoder model, Path modelPath, Path data, boolean appendEos, int batchTokens) {
    RewardScorer scorer = new RewardScorer(model.rewardModel(), batchTokens);
    long line = 0;
    for (Document document :
        read(model, modelPath, data, false, appendEos, SampleReader::readWithPairs)) {
      scorer.add(row(document, data, line++), document.isPair());
    }
    return scorer.finish(List.of());
  }

  /** How a file becomes documents. */
  private interface Reading {
    List<Document> read(
        Path data, Tokenizer tokenizer, ChatTokenizer chat, SampleReader.Options options);
  }

  private static DatasetRow row(Document document, Path data, long line) {
    int[] starts = document.isPair() ? new int[] {0, document.second()} : new int[] {0};
    return new DatasetRow(document.ids(), document.lossMask(), starts, data.toString(), line);
  }

  private static List<Document> read(
      LoadedDecoder model,
      Path modelPath,
      Path data,
      boolean assistantOnly,
      boolean appendEos,
      Reading reading) {
    Tokenizer tokenizer = model.tokenizer();
    Optional<ChatTokenizer> chat =
        ChatTemplates.ofModel(modelPath, tokenizer)
            .map(template -> new ChatTokenizer(tokenizer, template));
    int positions = model.decoder().config().maxPositions();
    return reading.read(
        data,
        tokenizer,
        chat.orElse(null),
        new SampleReader.Options(assistantOnly, appendEos, positions));
  }
}
