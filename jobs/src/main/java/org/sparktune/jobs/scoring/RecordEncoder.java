package org.sparktune.jobs.scoring;

import java.nio.file.Path;
import java.util.Map;
import org.sparktune.pipeline.sample.RecordReader;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.RejectReason;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleTokenizer;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.chat.ChatTemplates;
import org.sparktune.tokenizer.chat.ChatTokenizer;

/**
 * Records to tokens, in the schemas and by the stages of a preparation. Safe for use by many
 * threads.
 */
public final class RecordEncoder {
  private final RecordReader reader = new RecordReader(Schema.AUTO, Map.of(), Kind.SFT);
  private final boolean hasTemplate;
  private final SampleTokenizer tokenizer;

  /**
   * @param model where the chat template is
   * @param appendEos whether plain text ends with the end-of-sequence token
   */
  RecordEncoder(Path model, Tokenizer tokenizer, boolean appendEos) {
    ChatTokenizer chat =
        ChatTemplates.ofModel(model, tokenizer)
            .map(template -> new ChatTokenizer(tokenizer, template))
            .orElse(null);
    this.hasTemplate = chat != null;
    this.tokenizer = new SampleTokenizer(tokenizer, chat, false, appendEos);
  }

  /**
   * Reads a record.
   *
   * @param record text, or JSON values: Map, List, String, Long, Double, Boolean, null
   * @return its tokens, at least one
   * @throws RejectException when it fits no schema, says nothing, or is a conversation and the
   *     model has no chat template
   */
  int[] encode(Object record) throws RejectException {
    Sample sample = reader.read(record instanceof String text ? Map.of("text", text) : record);
    if (sample instanceof Sample.Chat && !hasTemplate) {
      throw new RejectException(
          RejectReason.TEMPLATE_ERROR,
          "it is a conversation, and the model has no chat template to read it with");
    }
    int[] ids = tokenizer.tokenize(sample).ids();
    if (ids.length == 0) {
      throw new RejectException(RejectReason.EMPTY, "it has no tokens");
    }
    return ids;
  }
}
