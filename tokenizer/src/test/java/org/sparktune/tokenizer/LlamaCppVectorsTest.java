package org.sparktune.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** llama.cpp's own test inputs and the ids it demands. */
class LlamaCppVectorsTest {
  @ParameterizedTest
  @CsvSource({
    "gpt-2, tokenizer-vectors/ggml-vocab-gpt-2.gguf",
    "gpt-2, tokenizers/gpt2",
    "llama-spm, tokenizer-vectors/ggml-vocab-llama-spm.gguf",
    "llama-spm, tokenizers/llama2/tokenizer.json",
    "llama-spm, tokenizers/llama2/tokenizer.model",
    "phi-3, tokenizer-vectors/ggml-vocab-phi-3.gguf",
    "phi-3, tokenizers/phi3",
    "llama-bpe, tokenizers/llama3",
    "qwen2, tokenizers/qwen2_5",
  })
  void shouldGiveTheIdsOfLlamaCpp(String vectors, String tokenizerPath) throws IOException {
    Tokenizer tokenizer = Tokenizers.load(SharedAssets.path(tokenizerPath));
    Path stem = SharedAssets.path("tokenizer-vectors/ggml-vocab-" + vectors + ".gguf.inp");
    String[] inputs = Files.readString(stem).split("\n__ggml_vocab_test__\n", -1);
    List<String> outputs =
        Files.readAllLines(stem.resolveSibling("ggml-vocab-" + vectors + ".gguf.out"));
    assertEquals(46, outputs.size());
    for (int i = 0; i < outputs.size(); i++) {
      String output = outputs.get(i).strip();
      int[] expected =
          output.isEmpty()
              ? new int[0]
              : Arrays.stream(output.split(" ", -1)).mapToInt(Integer::parseInt).toArray();
      assertArrayEquals(expected, tokenizer.encode(inputs[i], false), inputs[i]);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "tokenizer-vectors/ggml-vocab-gpt-2.gguf, tokenizers/gpt2/tokenizer.json",
    "tokenizer-vectors/ggml-vocab-llama-spm.gguf, tokenizers/llama2/tokenizer.json",
    "tokenizers/llama2/tokenizer.model, tokenizers/llama2/tokenizer.json",
    "tokenizer-vectors/ggml-vocab-phi-3.gguf, tokenizers/phi3/tokenizer.json",
    "models/stories260K-f32.gguf, models/stories260K-hf/tokenizer.json",
  })
  void shouldReadTheSameTokenizerFromEveryContainer(String one, String other) {
    Tokenizer first = Tokenizers.load(SharedAssets.path(one));
    Tokenizer second = Tokenizers.load(SharedAssets.path(other));
    assertEquals(first.fingerprint(), second.fingerprint());
    for (String mixture : AdversarialText.mixtures(21, 2000, 30)) {
      // Only tokenizer.json says how special tokens treat the spaces around them, and Llama 2's
      // looks for them in normalized text.
      String text = mixture.replace("<", "");
      assertArrayEquals(first.encode(text, false), second.encode(text, false), text);
    }
    for (String text : AdversarialText.giants()) {
      assertArrayEquals(first.encode(text, false), second.encode(text, false));
    }
  }
}
