package org.sparktune.tokenizer.split;

import java.util.List;
import java.util.regex.Pattern;

/** Makes splitters: hand-written ones for the expressions that models really use. */
public final class Splitters {
  /** The expression behind {@link #gpt2}, as Hugging Face writes it. */
  public static final String GPT2_PATTERN = Gpt2Splitter.PATTERN;

  private Splitters() {}

  /** GPT-2's words. */
  public static Splitter gpt2() {
    return new Gpt2Splitter();
  }

  /** The words of Llama 3 (three digits) and Qwen 2 (one digit). */
  public static Splitter cl100k(int digits) {
    return new Cl100kSplitter(digits);
  }

  /** The expression behind {@link #cl100k}, as Hugging Face writes it. */
  public static String cl100kPattern(int digits) {
    return Cl100kSplitter.pattern(digits);
  }

  /** What llama.cpp calls a chain of splitters; {@code default} where it has no name. */
  public static String ggufName(List<Splitter> chain) {
    if (chain.size() == 1) {
      if (chain.get(0) instanceof Gpt2Splitter) {
        return "gpt-2";
      }
      if (chain.get(0) instanceof Cl100kSplitter words) {
        return words.digits() == 1 ? "qwen2" : "llama-bpe";
      }
    }
    return "default";
  }

  /** Numbers apart from the rest, each digit by itself or all together. */
  public static Splitter digits(boolean individual) {
    return new RegexSplitter(
        Pattern.compile("\\p{N}"), individual ? Behavior.ISOLATED : Behavior.CONTIGUOUS, false);
  }

  /** A literal text apart from the rest. */
  public static Splitter literal(String text, Behavior behavior, boolean invert) {
    return new RegexSplitter(Pattern.compile(Pattern.quote(text)), behavior, invert);
  }

  /**
   * A regular expression of Oniguruma's syntax.
   *
   * @throws java.util.regex.PatternSyntaxException if Java cannot express it
   */
  public static Splitter regex(String expression, Behavior behavior, boolean invert) {
    boolean plain = behavior == Behavior.ISOLATED && !invert;
    boolean covering = behavior == Behavior.REMOVED && invert;
    if (plain || covering) {
      if (expression.equals(Gpt2Splitter.PATTERN)) {
        return new Gpt2Splitter();
      }
      if (expression.equals(Cl100kSplitter.pattern(1))) {
        return new Cl100kSplitter(1);
      }
      if (expression.equals(Cl100kSplitter.pattern(3))) {
        return new Cl100kSplitter(3);
      }
    }
    return new RegexSplitter(compile(expression), behavior, invert);
  }

  /**
   * Compiles an expression so that its classes mean what they mean in Oniguruma.
   *
   * @throws java.util.regex.PatternSyntaxException if Java cannot express it
   */
  public static Pattern compile(String expression) {
    return Pattern.compile(expression, Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNICODE_CASE);
  }
}
