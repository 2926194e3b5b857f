package org.sparktune.tokenizer.jinja;

/** What one rendering may use. A template is somebody else's program, so it gets bounds. */
final class Budget {
  /** Characters of output, and of any one string made on the way. */
  static final int MAX_CHARACTERS = 1 << 26;

  /** Loop iterations and macro calls together. */
  private static final int MAX_STEPS = 10_000_000;

  /** Macros inside macros. */
  private static final int MAX_DEPTH = 100;

  private int steps;
  private int depth;

  void step() {
    if (++steps > MAX_STEPS) {
      throw new TemplateException("the template ran more than " + MAX_STEPS + " steps");
    }
  }

  void enter() {
    step();
    if (++depth > MAX_DEPTH) {
      throw new TemplateException(
          "the template's macros are nested more than " + MAX_DEPTH + " deep");
    }
  }

  void leave() {
    depth--;
  }

  static void checkLength(long characters) {
    if (characters > MAX_CHARACTERS) {
      throw new TemplateException("the template made more than " + MAX_CHARACTERS + " characters");
    }
  }
}
