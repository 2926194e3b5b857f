package org.sparktune.pipeline.sample;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;

/** Recognises a schema from the column names of a record. */
public final class SchemaDetector {
  private static final List<Map.Entry<Schema, Set<String>>> NEEDED =
      List.of(
          Map.entry(Schema.PAIR_IDS, Set.of("prompt_ids", "chosen_ids", "rejected_ids")),
          Map.entry(Schema.PAIRS, Set.of("chosen", "rejected")),
          Map.entry(Schema.PAIRS, Set.of("chosen_messages", "rejected_messages")),
          Map.entry(Schema.RESPONSES, Set.of("prompt", "responses")),
          Map.entry(Schema.RESPONSES, Set.of("instruction", "responses")),
          Map.entry(Schema.RESPONSES, Set.of("conversations", "responses")),
          Map.entry(Schema.COMPARISON, Set.of("prompt", "response_a", "response_b", "winner")),
          Map.entry(Schema.RESPONSE, Set.of("prompt", "response")),
          Map.entry(Schema.RESPONSE, Set.of("prompt", "completion")),
          Map.entry(Schema.TOKENS, Set.of("prompt_ids", "completion_ids")),
          Map.entry(Schema.TOKENS, Set.of("input_ids")),
          Map.entry(Schema.MESSAGES, Set.of("messages")),
          Map.entry(Schema.SHAREGPT, Set.of("conversations")),
          Map.entry(Schema.ALPACA, Set.of("instruction", "output")),
          Map.entry(Schema.PROMPT, Set.of("prompt")),
          Map.entry(Schema.TEXT, Set.of("text")));

  private SchemaDetector() {}

  /**
   * The schema of a record.
   *
   * @param fields its column names
   * @param columns standard column name to the name in the file
   * @return nothing if no schema fits
   */
  public static Optional<Schema> detect(Set<String> fields, Map<String, String> columns) {
    for (Map.Entry<Schema, Set<String>> candidate : NEEDED) {
      boolean all = true;
      for (String column : candidate.getValue()) {
        all &= fields.contains(columns.getOrDefault(column, column));
      }
      if (all) {
        return Optional.of(candidate.getKey());
      }
    }
    return Optional.empty();
  }
}
