package org.sparktune.pipeline.clean;

import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.spec.CleanOptions;
import org.sparktune.pipeline.spec.FilterThreshold;

/** The three rules that FineWeb adds to Gopher's and C4's (Penedo et al. 2024, section 3.6). */
final class FinewebQuality implements TextFilter {
  private static final int SHORT_LINE = 30;

  private final Rules rules;

  FinewebQuality(CleanOptions options) {
    this.rules = new Rules(options);
  }

  @Override
  public void check(String text, Counters counters) throws RejectException {
    Lines lines = Lines.of(text);
    int punctuated = 0;
    int shortLines = 0;
    for (String line : lines.all()) {
      punctuated += Lines.endsSentence(line) ? 1 : 0;
      shortLines += line.length() < SHORT_LINE ? 1 : 0;
    }
    rules.atLeast(
        FilterThreshold.MIN_PUNCTUATED_LINES, Lines.share(punctuated, lines.count()), counters);
    rules.atMost(FilterThreshold.MAX_SHORT_LINES, Lines.share(shortLines, lines.count()), counters);
    rules.atMost(
        FilterThreshold.MAX_REPEATED_LINE_CHARACTERS, lines.duplicateCharacters(), counters);
  }
}
