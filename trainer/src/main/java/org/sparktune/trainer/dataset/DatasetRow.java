package org.sparktune.trainer.dataset;

import java.util.List;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.DocumentLabels;

/**
 * One packed sequence.
 *
 * @param tokens {@code (N)} ids of one or more documents
 * @param lossMask {@code (N)} 1 where the token carries loss as a target
 * @param documentStarts index of each document's first token; the first is 0
 * @param labels what else the dataset says of the documents
 * @param part the file it came from, relative to the dataset folder
 * @param row its number in that file, from 0
 */
public record DatasetRow(
    int[] tokens,
    byte[] lossMask,
    int[] documentStarts,
    DocumentLabels labels,
    String part,
    long row) {

  /** A row of documents of which nothing is known but their tokens. */
  public DatasetRow(int[] tokens, byte[] lossMask, int[] documentStarts, String part, long row) {
    this(tokens, lossMask, documentStarts, DocumentLabels.NONE, part, row);
  }

  /** Lays rows end to end as one batch. */
  public static Batch batch(List<DatasetRow> rows) {
    int tokenCount = 0;
    int documentCount = 0;
    for (DatasetRow row : rows) {
      tokenCount += row.tokens.length;
      documentCount += row.documentStarts.length;
    }
    int[] tokens = new int[tokenCount];
    int[] targets = new int[tokenCount];
    int[] starts = new int[documentCount + 1];
    int token = 0;
    int document = 0;
    for (DatasetRow row : rows) {
      System.arraycopy(row.tokens, 0, tokens, token, row.tokens.length);
      row.fillTargets(targets, token);
      for (int start : row.documentStarts) {
        starts[document++] = token + start;
      }
      token += row.tokens.length;
    }
    starts[document] = tokenCount;
    DocumentLabels labels = DocumentLabels.join(rows.stream().map(DatasetRow::labels).toList());
    return new Batch(tokens, targets, starts, labels);
  }

  /** The target of position i is token i + 1 of the same document where the mask says so. */
  private void fillTargets(int[] targets, int offset) {
    for (int i = 0; i < tokens.length; i++) {
      targets[offset + i] =
          i + 1 < tokens.length && lossMask[i + 1] == 1 ? tokens[i + 1] : Batch.IGNORED;
    }
    for (int i = 1; i < documentStarts.length; i++) {
      targets[offset + documentStarts[i] - 1] = Batch.IGNORED;
    }
  }
}
