package org.sparktune.pipeline.clean;

import java.util.List;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.RejectReason;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleStage;
import org.sparktune.pipeline.sample.SampleTexts;

/**
 * Rewrites every text of a record. Texts inside tool calls are programs' words and stay as they
 * are.
 */
final class RewriteStage implements SampleStage {
  private final List<TextRewriter> rewriters;

  RewriteStage(List<TextRewriter> rewriters) {
    this.rewriters = rewriters;
  }

  @Override
  public Sample apply(Sample sample, Counters counters) throws RejectException {
    boolean[] emptied = {false};
    Sample rewritten =
        SampleTexts.map(
            sample,
            text -> {
              String result = rewrite(text, counters);
              emptied[0] |= result.isBlank() && !text.isBlank();
              return result;
            },
            argument -> argument);
    if (emptied[0]) {
      throw new RejectException(
          RejectReason.NOTHING_LEFT, "cleaning left nothing of one of its texts");
    }
    if (rewritten instanceof Sample.Pair pair
        && !(pair.chosen() instanceof Sample.Tokens)
        && pair.chosen().equals(pair.rejected())) {
      throw new RejectException(
          RejectReason.IDENTICAL_PAIR, "after cleaning, both completions are the same");
    }
    return rewritten;
  }

  private String rewrite(String text, Counters counters) {
    String result = text;
    for (TextRewriter rewriter : rewriters) {
      String before = result;
      result = rewriter.rewrite(before);
      if (!result.equals(before)) {
        counters.add("changed." + rewriter.name(), 1);
      }
    }
    return result;
  }
}
