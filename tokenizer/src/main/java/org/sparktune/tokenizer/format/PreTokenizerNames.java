package org.sparktune.tokenizer.format;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.tokenizer.split.Behavior;
import org.sparktune.tokenizer.split.Splitter;
import org.sparktune.tokenizer.split.SplitterChain;
import org.sparktune.tokenizer.split.Splitters;

/**
 * What the values of {@code tokenizer.ggml.pre} mean, after llama.cpp's table of regular
 * expressions.
 *
 * @param expressions how words are cut: what each one finds, and what lies between, is apart
 * @param composes whether text is normalized to NFC first
 * @param wholeWordsFirst whether a word that is a token is that token
 * @param addBos whether a sequence begins with BOS if the file does not say
 */
record PreTokenizerNames(
    List<String> expressions, boolean composes, boolean wholeWordsFirst, boolean addBos) {

  /** The meaning of a name, or null if it is not known. */
  static PreTokenizerNames of(String name) {
    return switch (name) {
      case "gpt-2", "phi-2", "mpt", "olmo", "jais", "roberta-bpe", "gigachat" ->
          plain(List.of(Splitters.GPT2_PATTERN));
      case "llama3", "llama-v3", "llama-bpe", "falcon3", "smaug-bpe", "dbrx" ->
          new PreTokenizerNames(
              List.of(Splitters.cl100kPattern(3)),
              false,
              name.startsWith("llama"),
              name.contains("llama"));
      // llama.cpp leaves NFC out; the model's own tokenizer does it, and was trained with it.
      case "qwen2", "deepseek-r1-qwen", "megrez" ->
          new PreTokenizerNames(List.of(Splitters.cl100kPattern(1)), true, false, false);
      case "stablelm2", "hunyuan" -> plain(List.of(Splitters.cl100kPattern(1)));
      case "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b" ->
          plain(List.of("\\p{N}", Splitters.GPT2_PATTERN));
      case "default" ->
          plain(
              List.of(
                  "[\\p{P}\\$\\+<=>\\^~\\|]+",
                  Splitters.GPT2_PATTERN,
                  "\\p{N}+",
                  "[0-9][0-9][0-9]"));
      case "falcon" ->
          plain(List.of("[\\p{P}\\$\\+<=>\\^~\\|`]+", Splitters.GPT2_PATTERN, "[0-9][0-9][0-9]"));
      default -> null;
    };
  }

  private static PreTokenizerNames plain(List<String> expressions) {
    return new PreTokenizerNames(expressions, false, false, false);
  }

  /** The expressions at work. */
  SplitterChain splitters() {
    List<Splitter> splitters = new ArrayList<>();
    for (String expression : expressions) {
      splitters.add(Splitters.regex(expression, Behavior.ISOLATED, false));
    }
    return new SplitterChain(splitters);
  }
}
