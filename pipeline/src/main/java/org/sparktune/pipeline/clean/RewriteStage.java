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
    Rewriting rewriting = new Rewriting(counters);
    Sample rewritten = SampleTexts.map(sample, rewriting);
    if (rewriting.emptied) {
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

  /** The rewriting of one record. */
  private final class Rewriting implements SampleTexts.Change {
    private final Counters counters;
    private boolean emptied;

    Rewriting(Counters counters) {
      this.counters = counters;
    }

    @Override
    public String content(String text) {
      String result = rewrite(text, counters);
      emptied |= result.isBlank() && !text.isBlank();
      return result;
    }

    @Override
    public String copy(String text) {
      return rewrite(text, new Counters());
    }

    @Override
    public String argument(String text) {
      return text;
    }
  }
}
