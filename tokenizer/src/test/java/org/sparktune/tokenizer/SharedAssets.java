package org.sparktune.tokenizer;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Files beside the checkout: real tokenizers and corpora. */
final class SharedAssets {
  /** The tokenizers, as paths below the assets. */
  static final List<String> TOKENIZERS =
      List.of(
          "tokenizers/qwen2_5/tokenizer.json",
          "tokenizers/llama3/tokenizer.json",
          "tokenizers/gpt2/tokenizer.json",
          "tokenizers/phi3/tokenizer.json",
          "tokenizers/llama2/tokenizer.json",
          "models/stories260K-hf/tokenizer.json");

  /** The corpora, as paths below the assets. */
  static final List<String> CORPORA =
      List.of(
          "corpora/NormalizationTest.txt",
          "corpora/debian-reference-de.txt",
          "corpora/debian-reference-en.txt",
          "corpora/debian-reference-ja.txt",
          "corpora/debian-reference-zh-cn.txt",
          "corpora/emoji-test.txt",
          "corpora/fortunes-ru.txt");

  private SharedAssets() {}

  /** A file or folder; the test is skipped where the assets are absent. */
  static Path path(String relative) {
    Path path = Path.of(System.getProperty("sparktune.shared", "../shared"), "assets", relative);
    assumeTrue(
        Files.exists(path),
        () -> path + " is absent: real tokenizers and corpora are not compared; small ones are");
    return path;
  }
}
