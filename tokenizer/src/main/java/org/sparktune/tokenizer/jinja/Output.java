package org.sparktune.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;

/** Rendered text, and the spans of it that {@code generation} blocks made. */
final class Output {
  private final StringBuilder text = new StringBuilder();
  private final List<int[]> generationSpans = new ArrayList<>();

  void append(String more) {
    Budget.checkLength((long) text.length() + more.length());
    text.append(more);
  }

  int length() {
    return text.length();
  }

  void addGenerationSpan(int start, int end) {
    generationSpans.add(new int[] {start, end});
  }

  List<int[]> generationSpans() {
    return generationSpans;
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
