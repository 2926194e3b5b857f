package org.sparktune.pipeline.sample;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;

/** Checks records against a schema. */
public final class RecordReader {
  private final Schema schema;
  private final Map<String, String> columns;
  private final Kind kind;
  private final ConversationReader conversations;
  private final PairReader pairs;

  /**
   * @param schema the schema; {@code AUTO} looks at each record
   * @param columns standard column name to the name in the records
   * @param kind what the records must be
   */
  public RecordReader(Schema schema, Map<String, String> columns, Kind kind) {
    this.schema = schema;
    this.columns = columns;
    this.kind = kind;
    this.conversations = new ConversationReader();
    this.pairs = new PairReader(conversations);
  }

  /**
   * Checks one record.
   *
   * @param record JSON values: Map, List, String, Long, Double, Boolean, null
   * @throws RejectException when it does not fit the schema
   */
  public Sample read(Object record) throws RejectException {
    Fields fields = fields(record, columns);
    if (kind == Kind.PROMPT && fields.get("prompt") != null) {
      return PromptReader.prompt(fields);
    }
    Schema found = schema == Schema.AUTO ? detect((Map<?, ?>) record) : schema;
    Sample sample = read(found, fields);
    if (kind == Kind.PROMPT) {
      return PromptReader.of(found, sample, fields);
    }
    if (sample instanceof Sample.Prompt) {
      throw new RejectException(
          RejectReason.WRONG_KIND, "it is a prompt alone, for a dataset of kind prompt");
    }
    if (sample instanceof Sample.Pair != (kind == Kind.PREFERENCE)) {
      throw new RejectException(
          RejectReason.WRONG_KIND,
          kind == Kind.PREFERENCE
              ? "it is no pair of a chosen and a rejected completion"
              : "it is a pair of completions, for a dataset of kind preference (schema: chosen takes"
                  + " the preferred one of it)");
    }
    return sample;
  }

  static Fields fields(Object record, Map<String, String> columns) throws RejectException {
    if (!(record instanceof Map<?, ?> map)) {
      throw new RejectException(RejectReason.WRONG_TYPE, "the record is not a JSON object");
    }
    return new Fields(map, columns);
  }

  private Sample read(Schema found, Fields fields) throws RejectException {
    return switch (found) {
      case TEXT -> text(fields);
      case ALPACA -> new Sample.Chat(conversations.alpaca(fields));
      case SHAREGPT -> new Sample.Chat(conversations.shareGpt(fields));
      case MESSAGES -> new Sample.Chat(conversations.messages(fields));
      case TOKENS -> tokens(fields);
      case PAIRS -> pairs.texts(fields);
      case CHOSEN -> pairs.texts(fields).chosen();
      case PAIR_IDS -> PairReader.ids(fields);
      case PROMPT -> PromptReader.prompt(fields);
      case RESPONSE -> ResponseReader.response(fields, pairs);
      case RESPONSES, COMPARISON ->
          throw new RejectException(
              RejectReason.WRONG_KIND,
              "it holds several responses, for a dataset that makes pairs of them");
      case AUTO -> throw new IllegalStateException("AUTO has been resolved");
    };
  }

  Schema detect(Map<?, ?> record) throws RejectException {
    Set<String> names = new TreeSet<>();
    record.keySet().forEach(name -> names.add(String.valueOf(name)));
    return SchemaDetector.detect(names, columns)
        .orElseThrow(
            () ->
                new RejectException(
                    RejectReason.MISSING_FIELD, "no schema has the columns " + names));
  }

  private static Sample text(Fields fields) throws RejectException {
    String text = fields.text("text");
    if (text.isEmpty()) {
      throw new RejectException(RejectReason.EMPTY, "the text is empty");
    }
    return new Sample.Text(text);
  }

  private static Sample tokens(Fields fields) throws RejectException {
    if (fields.get("input_ids") == null && fields.get("completion_ids") != null) {
      return PairReader.completionIds(fields);
    }
    int[] ids = integers("input_ids", fields.list("input_ids"));
    if (ids.length == 0) {
      throw new RejectException(RejectReason.EMPTY, "\"input_ids\" is empty");
    }
    byte[] mask = new byte[ids.length];
    if (fields.get("labels") == null) {
      Arrays.fill(mask, (byte) 1);
      return new Sample.Tokens(ids, mask);
    }
    int[] labels = integers("labels", fields.list("labels"));
    if (labels.length != ids.length) {
      throw new RejectException(
          RejectReason.WRONG_TYPE,
          "there are " + ids.length + " input_ids and " + labels.length + " labels");
    }
    for (int i = 0; i < ids.length; i++) {
      if (labels[i] != -100) {
        if (labels[i] != ids[i]) {
          throw new RejectException(
              RejectReason.WRONG_TYPE,
              "label " + i + " is " + labels[i] + ", neither -100 nor the token id " + ids[i]);
        }
        mask[i] = 1;
      }
    }
    return new Sample.Tokens(ids, mask);
  }

  static int[] integers(String column, List<?> values) throws RejectException {
    int[] result = new int[values.size()];
    for (int i = 0; i < result.length; i++) {
      Object value = values.get(i);
      if (!(value instanceof Long || value instanceof Integer)) {
        throw Fields.wrongType(column + "[" + i + "]", "an integer", value);
      }
      long number = ((Number) value).longValue();
      if (number != (int) number) {
        throw new RejectException(
            RejectReason.TOKEN_OUT_OF_RANGE, column + "[" + i + "] is " + number);
      }
      result[i] = (int) number;
    }
    return result;
  }
}
