package org.sparktune.pipeline.clean;

import java.util.Locale;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.spec.CleanOptions;
import org.sparktune.pipeline.spec.CleanOptions.FilterSet;
import org.sparktune.pipeline.spec.FilterThreshold;

/**
 * The rules of C4 that refuse a page (Raffel et al. 2020, section 2.2): few sentences, placeholder
 * text, curly brackets. Their list of bad words is a {@code blocklist}.
 */
final class C4Pages implements TextFilter {
  private final Rules rules;

  C4Pages(CleanOptions options) {
    this.rules = new Rules(options);
  }

  @Override
  public void check(String text, Counters counters) throws RejectException {
    if (text.indexOf('{') >= 0) {
      throw Rules.broken(FilterSet.C4, "curly_bracket", "it holds a curly bracket", counters);
    }
    if (text.toLowerCase(Locale.ROOT).contains("lorem ipsum")) {
      throw Rules.broken(FilterSet.C4, "lorem_ipsum", "it holds \"lorem ipsum\"", counters);
    }
    rules.atLeast(FilterThreshold.MIN_SENTENCES, Lines.sentences(text), counters);
  }
}
