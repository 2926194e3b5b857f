package org.sparktune.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** All of every corpus, whole and line by line, against what Hugging Face's library answered. */
class CorpusParityTest {
  static List<String> tokenizers() {
    return SharedAssets.TOKENIZERS;
  }

  @ParameterizedTest
  @MethodSource("tokenizers")
  void shouldEncodeEveryCorpusAsRecorded(String name) throws IOException {
    compare(Tokenizers.load(SharedAssets.path(name)), name);
  }

  @ParameterizedTest
  @CsvSource({
    "tokenizers/llama2/tokenizer.model, tokenizers/llama2/tokenizer.json",
    "tokenizer-vectors/ggml-vocab-llama-spm.gguf, tokenizers/llama2/tokenizer.json",
    "tokenizer-vectors/ggml-vocab-phi-3.gguf, tokenizers/phi3/tokenizer.json",
    "tokenizer-vectors/ggml-vocab-gpt-2.gguf, tokenizers/gpt2/tokenizer.json",
    "models/stories260K-f32.gguf, models/stories260K-hf/tokenizer.json",
  })
  void shouldEncodeEveryCorpusFromOtherContainersAsRecorded(String path, String recordedAs)
      throws IOException {
    compare(Tokenizers.load(SharedAssets.path(path)), recordedAs);
  }

  private static void compare(Tokenizer tokenizer, String recordedAs) throws IOException {
    int compared = 0;
    for (String line : recorded()) {
      String[] fields = line.split("\t", 4);
      if (!fields[0].equals(recordedAs)) {
        continue;
      }
      Path corpus = SharedAssets.path(fields[1]);
      String ours =
          fields[2].equals("whole")
              ? CorpusIds.whole(text -> tokenizer.encode(text, false), corpus)
              : CorpusIds.lines(text -> tokenizer.encode(text, false), corpus);
      assertEquals(fields[3], ours, fields[1] + " " + fields[2]);
      compared++;
    }
    assertEquals(2 * SharedAssets.CORPORA.size(), compared);
  }

  private static List<String> recorded() throws IOException {
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(
                CorpusParityTest.class.getResourceAsStream("/huggingface-corpora.tsv"),
                StandardCharsets.UTF_8))) {
      return in.lines().toList();
    }
  }
}
