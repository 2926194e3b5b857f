package org.sparktune.tokenizer.split;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Cuts words with any regular expression. */
final class RegexSplitter implements Splitter {
  private final Pattern pattern;
  private final Behavior behavior;
  private final boolean invert;

  RegexSplitter(Pattern pattern, Behavior behavior, boolean invert) {
    this.pattern = pattern;
    this.behavior = behavior;
    this.invert = invert;
  }

  @Override
  public int split(char[] text, int from, int start, int end, Words words) {
    Matcher matcher = pattern.matcher(new String(text, start, end - start));
    Assembler assembler = new Assembler(words, behavior);
    int at = start;
    while (matcher.find()) {
      if (matcher.end() == matcher.start()) {
        continue;
      }
      assembler.take(at, start + matcher.start(), invert);
      assembler.take(start + matcher.start(), start + matcher.end(), !invert);
      at = start + matcher.end();
    }
    assembler.take(at, end, invert);
    assembler.finish();
    return end;
  }

  /** Puts matches and what lies between them together as the behaviour demands. */
  private static final class Assembler {
    private final Words words;
    private final Behavior behavior;
    private int heldStart;
    private int heldEnd;
    private boolean heldMatch;

    Assembler(Words words, Behavior behavior) {
      this.words = words;
      this.behavior = behavior;
    }

    void take(int start, int end, boolean match) {
      if (start == end) {
        return;
      }
      boolean joins =
          heldEnd > heldStart
              && switch (behavior) {
                case REMOVED, ISOLATED -> false;
                case MERGED_WITH_PREVIOUS -> match && !heldMatch;
                case MERGED_WITH_NEXT -> heldMatch && !match;
                case CONTIGUOUS -> match == heldMatch;
              };
      if (joins) {
        heldEnd = end;
      } else {
        finish();
        heldStart = start;
        heldEnd = end;
      }
      heldMatch = match;
    }

    void finish() {
      if (!(behavior == Behavior.REMOVED && heldMatch)) {
        words.add(heldStart, heldEnd);
      }
      heldStart = heldEnd;
    }
  }
}
