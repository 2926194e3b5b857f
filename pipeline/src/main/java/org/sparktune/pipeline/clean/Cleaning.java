package org.sparktune.pipeline.clean;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.sample.SampleStage;
import org.sparktune.pipeline.spec.CleanOptions;
import org.sparktune.pipeline.spec.CleanOptions.FilterSet;
import org.sparktune.pipeline.spec.CleanOptions.UnicodeForm;
import org.sparktune.pipeline.spec.CleanOptions.Whitespace;

/** The stages of cleaning, in their order. */
public final class Cleaning {
  private Cleaning() {}

  /**
   * The stages that the options ask for: repair → judge → mask. What is repaired comes before what
   * judges, so that a text is judged as it will be; masks come last, so that they hide nothing from
   * the rules.
   *
   * @param blocklist the lines of the blocklist; empty if there is none
   * @throws SparktuneException {@link ErrorCode#UNSUPPORTED} when a language cannot be told from
   *     others
   */
  public static List<SampleStage> stages(CleanOptions options, List<String> blocklist) {
    List<SampleStage> stages = new ArrayList<>();
    List<TextRewriter> rewriters = rewriters(options);
    if (!rewriters.isEmpty()) {
      stages.add(new RewriteStage(rewriters));
    }
    if (options.filters().contains(FilterSet.C4)) {
      stages.add(new C4Lines(options));
    }
    List<TextFilter> filters = filters(options, blocklist);
    if (!filters.isEmpty()) {
      stages.add(new FilterStage(filters));
    }
    if (!options.personal().isEmpty()) {
      stages.add(new MaskStage(options.personal()));
    }
    return stages;
  }

  private static List<TextRewriter> rewriters(CleanOptions options) {
    List<TextRewriter> rewriters = new ArrayList<>();
    // Before control characters go: they are a part of what was read wrongly.
    if (options.mojibake()) {
      rewriters.add(new Mojibake());
    }
    if (options.html()) {
      rewriters.add(new HtmlText());
    }
    if (options.controlCharacters()) {
      rewriters.add(new ControlCharacters());
    }
    if (options.unicode() != UnicodeForm.NONE) {
      rewriters.add(new UnicodeNormalization(options.unicode()));
    }
    if (options.whitespace() != Whitespace.KEEP) {
      rewriters.add(new Blanks(options.whitespace() == Whitespace.COLLAPSE));
    }
    return rewriters;
  }

  private static List<TextFilter> filters(CleanOptions options, List<String> blocklist) {
    List<TextFilter> filters = new ArrayList<>();
    for (FilterSet set : options.filters()) {
      switch (set) {
        case GOPHER -> {
          filters.add(new GopherQuality(options));
          filters.add(new GopherRepetition(options));
        }
        case C4 -> filters.add(new C4Pages(options));
        case FINEWEB -> filters.add(new FinewebQuality(options));
      }
    }
    if (!blocklist.isEmpty()) {
      filters.add(new Blocklist(blocklist));
    }
    // The dearest last.
    if (!options.languages().isEmpty()) {
      filters.add(new LanguageFilter(options.languages(), options.minLanguageConfidence()));
    }
    return filters;
  }
}
