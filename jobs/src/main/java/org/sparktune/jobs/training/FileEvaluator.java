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
    Tokenizer tokenizer = model.tokenizer();
    Optional<ChatTokenizer> chat =
        ChatTemplates.ofModel(modelPath, tokenizer)
            .map(template -> new ChatTokenizer(tokenizer, template));
    int positions = model.decoder().config().maxPositions();
    List<Document> documents =
        SampleReader.read(
            data,
            tokenizer,
            chat.orElse(null),
            new SampleReader.Options(assistantOnly, appendEos, positions));
    SampleScorer scorer = new SampleScorer(model.decoder(), batchTokens);
    int line = 0;
    for (Document document : documents) {
      scorer.add(
          new DatasetRow(
              document.ids(), document.lossMask(), new int[] {0}, data.toString(), line++));
    }
    return Evaluation.of(scorer.finish());
  }
}
