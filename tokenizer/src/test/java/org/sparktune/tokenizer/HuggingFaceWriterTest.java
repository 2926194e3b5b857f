package org.sparktune.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.tokenizer.format.GgufVocabularyReader;
import org.sparktune.tokenizer.format.HuggingFaceReader;
import org.sparktune.tokenizer.format.HuggingFaceWriter;

/** What is written gives, in Hugging Face's library and in ours, the ids of what it was made of. */
class HuggingFaceWriterTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tokenizer-vectors/ggml-vocab-gpt-2.gguf",
        "tokenizer-vectors/ggml-vocab-llama-spm.gguf",
        "tokenizer-vectors/ggml-vocab-phi-3.gguf",
        "models/stories260K-f32.gguf"
      })
  void shouldWriteVocabulariesOfGgufFiles(String name) throws IOException {
    Path gguf = SharedAssets.path(name);
    assertSame(GgufVocabularyReader.read(gguf), Tokenizers.load(gguf), texts());
  }

  @ParameterizedTest
  @ValueSource(strings = {"tokenizers/llama3/tokenizer.json", "tokenizers/qwen2_5/tokenizer.json"})
  void shouldWriteByteLevelVocabulariesAgain(String name) throws IOException {
    Path json = SharedAssets.path(name);
    assertSame(HuggingFaceReader.read(json), Tokenizers.load(json), texts());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void shouldWriteSmallVocabularies(boolean byteLevel) {
    Path json =
        byteLevel ? SmallTokenizers.byteLevel(folder) : SmallTokenizers.sentencePiece(folder);
    assertSame(
        HuggingFaceReader.read(json), Tokenizers.load(json), AdversarialText.mixtures(41, 800, 20));
  }

  @ParameterizedTest
  @CsvSource({
    "gpt-2, false, false",
    "llama-bpe, true, false",
    "dbrx, false, true",
    "qwen2, true, true",
    "stablelm2, false, false",
    "smollm, false, false",
    "default, false, false",
    "falcon, true, false",
  })
  void shouldSpellEveryWayOfCuttingWords(String name, boolean addBos, boolean addEos) {
    TokenizerDefinition qwen = HuggingFaceReader.read(SmallTokenizers.byteLevel(folder));
    TokenizerVocabulary from = qwen.exported();
    TokenizerVocabulary vocabulary =
        new TokenizerVocabulary(
            from.model(),
            name,
            from.tokens(),
            from.tokenTypes(),
            from.scores(),
            from.merges(),
            OptionalInt.of(from.tokens().indexOf("<|im_start|>")),
            OptionalInt.of(from.tokens().indexOf("<|im_end|>")),
            OptionalInt.empty(),
            OptionalInt.empty(),
            addBos,
            addEos,
            false);
    Path written = folder.resolve("tokenizer.json");
    HuggingFaceWriter.write(vocabulary, qwen.addedTokens(), written);
    Tokenizer ours = Tokenizers.load(written);
    assertEquals(addBos, ours.vocabulary().addBos());
    assertEquals(addEos, ours.vocabulary().addEos());
    try (HuggingFace theirs = new HuggingFace(written)) {
      for (String text : AdversarialText.mixtures(42, 500, 15)) {
        assertArrayEquals(theirs.encode(text, true), ours.encode(text, true), text);
      }
    }
  }

  @Test
  void shouldTellWhereScoresTie() {
    TokenizerVocabulary distinct =
        HuggingFaceReader.read(SmallTokenizers.sentencePiece(folder)).exported();
    assertTrue(HuggingFaceWriter.isExact(distinct));
    float[] scores = distinct.scores().clone();
    Arrays.fill(scores, -1);
    TokenizerVocabulary tied =
        new TokenizerVocabulary(
            distinct.model(),
            distinct.preTokenizer(),
            distinct.tokens(),
            distinct.tokenTypes(),
            scores,
            List.of(),
            distinct.bosId(),
            distinct.eosId(),
            distinct.unknownId(),
            distinct.paddingId(),
            true,
            false,
            true);
    assertFalse(HuggingFaceWriter.isExact(tied));
  }

  private void assertSame(TokenizerDefinition definition, Tokenizer original, List<String> texts) {
    Path written = folder.resolve("tokenizer.json");
    HuggingFaceWriter.write(definition.exported(), definition.addedTokens(), written);
    assertTrue(HuggingFaceWriter.isExact(definition.exported()));
    Tokenizer ours = Tokenizers.load(written);
    assertEquals(original.fingerprint(), ours.fingerprint());
    try (HuggingFace theirs = new HuggingFace(written)) {
      for (String text : texts) {
        int[] ids = original.encode(text, true);
        assertArrayEquals(ids, ours.encode(text, true), text);
        assertArrayEquals(ids, theirs.encode(text, true), text);
        assertEquals(original.decode(ids, false), ours.decode(ids, false));
        assertEquals(original.decode(ids, true), theirs.decode(ids, true));
      }
    }
  }

  /** Awkward text, and lines of every script that the corpora have. */
  private static List<String> texts() throws IOException {
    List<String> texts = new ArrayList<>(AdversarialText.mixtures(40, 800, 20));
    texts.add("");
    texts.add("<s>one</s> two<|endoftext|> three");
    for (int spaces = 1; spaces < 100; spaces++) {
      texts.add("a" + " ".repeat(spaces) + "b");
    }
    for (String corpus : SharedAssets.CORPORA) {
      List<String> lines = Files.readAllLines(SharedAssets.path(corpus));
      for (int i = 0; i < lines.size(); i += 97) {
        texts.add(lines.get(i));
      }
    }
    return texts;
  }
}
