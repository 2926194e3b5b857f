package org.sparktune.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The same ids and the same text as Hugging Face's library, asked side by side. */
class HuggingFaceParityTest {
  static List<String> tokenizers() {
    return SharedAssets.TOKENIZERS;
  }

  @ParameterizedTest
  @MethodSource("tokenizers")
  void shouldEncodeAdversarialTextAsHuggingFaceDoes(String name) {
    Path json = SharedAssets.path(name);
    Tokenizer ours = Tokenizers.load(json);
    List<String> texts = new ArrayList<>(AdversarialText.mixtures(1, 2000, 12));
    texts.addAll(AdversarialText.mixtures(2, 30, 800));
    texts.addAll(AdversarialText.codePoints(3, 400, 60));
    texts.addAll(AdversarialText.giants());
    texts.add("");
    try (HuggingFace theirs = new HuggingFace(json)) {
      for (String text : texts) {
        assertSame(theirs, ours, text);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("tokenizers")
  void shouldAddSpecialTokensAsHuggingFaceDoes(String name) {
    Path json = SharedAssets.path(name);
    Tokenizer ours = Tokenizers.load(json);
    try (HuggingFace theirs = new HuggingFace(json)) {
      for (String text : List.of("", "Hello", " two  words ", "<s>x</s>")) {
        assertArrayEquals(theirs.encode(text, true), ours.encode(text, true), text);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("tokenizers")
  void shouldDecodeRandomIdsAsHuggingFaceDoes(String name) {
    Path json = SharedAssets.path(name);
    Tokenizer ours = Tokenizers.load(json);
    Random random = new Random(11);
    try (HuggingFace theirs = new HuggingFace(json)) {
      for (int i = 0; i < 500; i++) {
        // Low ids hold bytes and special tokens, which decoders treat differently from text.
        int bound = i % 2 == 0 ? ours.vocabularySize() : 400;
        int[] ids = random.ints(random.nextInt(20), 0, bound).toArray();
        assertEquals(
            theirs.decode(ids, false),
            ours.decode(ids, false),
            () -> java.util.Arrays.toString(ids));
        assertEquals(
            theirs.decode(ids, true), ours.decode(ids, true), () -> java.util.Arrays.toString(ids));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("tokenizers")
  void shouldEncodePartsOfEveryCorpusAsHuggingFaceDoes(String name) throws IOException {
    Path json = SharedAssets.path(name);
    Tokenizer ours = Tokenizers.load(json);
    try (HuggingFace theirs = new HuggingFace(json)) {
      for (String corpus : SharedAssets.CORPORA) {
        String text = Files.readString(SharedAssets.path(corpus));
        String[] lines = text.split("(?<=\n)", -1);
        for (int i = 0; i < lines.length; i += 29) {
          assertSame(theirs, ours, lines[i]);
        }
        int middle = text.offsetByCodePoints(0, text.codePointCount(0, text.length()) / 2);
        assertSame(theirs, ours, text.substring(middle, text.offsetByCodePoints(middle, 30_000)));
      }
    }
  }

  private static void assertSame(HuggingFace theirs, Tokenizer ours, String text) {
    assertArrayEquals(
        theirs.encode(text, false),
        ours.encode(text, false),
        () -> text.length() > 2000 ? text.substring(0, 2000) : text);
  }
}
