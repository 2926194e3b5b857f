package org.sparktune.pipeline.clean;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.RejectReason;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleStage;
import org.sparktune.pipeline.spec.CleanOptions;
import org.sparktune.pipeline.spec.FilterThreshold;
import org.sparktune.pipeline.text.Words;

/**
 * The rules of C4 that drop lines of a page (Raffel et al. 2020, section 2.2): those that end
 * without a terminal punctuation mark, are short, mention Javascript, or are a policy's
 * boilerplate. Only plain text is a page; a conversation's turns keep their lines.
 */
final class C4Lines implements SampleStage {
  private static final Pattern CITATION =
      Pattern.compile("\\[\\d*\\]|\\[edit\\]|\\[citation needed\\]");
  private static final List<String> BOILERPLATE =
      List.of(
          "javascript",
          "terms of use",
          "privacy policy",
          "cookie policy",
          "uses cookies",
          "use of cookies",
          "use cookies");

  private final int minimumWords;
  private final boolean terminalPunctuation;

  C4Lines(CleanOptions options) {
    this.minimumWords = (int) options.threshold(FilterThreshold.MIN_LINE_WORDS);
    this.terminalPunctuation = options.threshold(FilterThreshold.TERMINAL_PUNCTUATION) > 0;
  }

  @Override
  public Sample apply(Sample sample, Counters counters) throws RejectException {
    if (!(sample instanceof Sample.Text page)) {
      return sample;
    }
    StringBuilder kept = new StringBuilder();
    int dropped = 0;
    for (String line : Lines.of(page.text()).all()) {
      String clean = line.indexOf('[') < 0 ? line : CITATION.matcher(line).replaceAll("").strip();
      if (isGood(clean)) {
        kept.append(kept.isEmpty() ? "" : "\n").append(clean);
      } else {
        dropped++;
      }
    }
    counters.add("dropped.c4_lines", dropped);
    if (kept.isEmpty()) {
      throw new RejectException(RejectReason.C4, "none of its lines is a sentence");
    }
    return new Sample.Text(kept.toString());
  }

  private boolean isGood(String line) {
    if (line.isEmpty() || Words.of(line).count() < minimumWords) {
      return false;
    }
    if (terminalPunctuation && (!Lines.endsSentence(line) || Lines.endsInEllipsis(line))) {
      return false;
    }
    String lower = line.toLowerCase(Locale.ROOT);
    for (String phrase : BOILERPLATE) {
      if (lower.contains(phrase)) {
        return false;
      }
    }
    return true;
  }
}
