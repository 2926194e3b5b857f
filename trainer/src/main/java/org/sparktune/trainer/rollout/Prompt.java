package org.sparktune.trainer.rollout;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.sparktune.trainer.dataset.DatasetRow;

/**
 * What a policy is asked.
 *
 * @param ids what it continues
 * @param reference the dataset's own answer, empty where it has none
 */
record Prompt(int[] ids, int[] reference) {

  /**
   * Some prompts.
   *
   * @param fitting those that leave room for a response
   * @param skipped how many others there are
   */
  record Selection(List<Prompt> fitting, long skipped) {}

  /** The prompts of some rows. */
  static Selection select(List<DatasetRow> rows, ResponseSampler sampler) {
    List<Prompt> fitting = new ArrayList<>();
    long skipped = 0;
    for (DatasetRow row : rows) {
      for (Prompt prompt : of(row)) {
        if (sampler.fits(prompt)) {
          fitting.add(prompt);
        } else {
          skipped++;
        }
      }
    }
    return new Selection(fitting, skipped);
  }

  /**
   * The prompts of a row: in each document, all before its last stretch of tokens with loss, which
   * is the answer.
   */
  static List<Prompt> of(DatasetRow row) {
    List<Prompt> prompts = new ArrayList<>();
    int[] starts = row.documentStarts();
    for (int document = 0; document < starts.length; document++) {
      int end = document + 1 < starts.length ? starts[document + 1] : row.tokens().length;
      prompts.add(of(row, starts[document], end));
    }
    return prompts;
  }

  private static Prompt of(DatasetRow row, int start, int end) {
    int to = end;
    while (to > start && row.lossMask()[to - 1] == 0) {
      to--;
    }
    if (to == start) {
      return new Prompt(Arrays.copyOfRange(row.tokens(), start, end), new int[0]);
    }
    int from = to;
    while (from > start && row.lossMask()[from - 1] == 1) {
      from--;
    }
    return new Prompt(
        Arrays.copyOfRange(row.tokens(), start, from), Arrays.copyOfRange(row.tokens(), from, to));
  }
}
