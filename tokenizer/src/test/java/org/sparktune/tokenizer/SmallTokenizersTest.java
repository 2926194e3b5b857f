package org.sparktune.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Both families without any files from elsewhere. */
class SmallTokenizersTest {
  @TempDir Path folder;

  private Path file(boolean byteLevel) {
    return byteLevel ? SmallTokenizers.byteLevel(folder) : SmallTokenizers.sentencePiece(folder);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void shouldAgreeWithHuggingFace(boolean byteLevel) {
    Path json = file(byteLevel);
    Tokenizer ours = Tokenizers.load(json);
    List<String> texts = new ArrayList<>(AdversarialText.mixtures(1, 2000, 12));
    texts.addAll(AdversarialText.codePoints(3, 200, 60));
    texts.addAll(AdversarialText.giants());
    try (HuggingFace theirs = new HuggingFace(json)) {
      for (String text : texts) {
        int[] ids = ours.encode(text, true);
        assertArrayEquals(theirs.encode(text, true), ids, text);
        assertEquals(theirs.decode(ids, true), ours.decode(ids, true));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void shouldGiveTheSameIdsWithOffsets(boolean byteLevel) {
    Tokenizer tokenizer = Tokenizers.load(file(byteLevel));
    for (String text : AdversarialText.mixtures(5, 1000, 40)) {
      Encoding encoding = tokenizer.encodeWithOffsets(text, false);
      assertArrayEquals(tokenizer.encode(text, false), encoding.ids(), text);
      int covered = 0;
      for (int i = 0; i < encoding.ids().length; i++) {
        assertTrue(encoding.starts()[i] <= encoding.ends()[i], text);
        assertTrue(encoding.starts()[i] <= covered, () -> "a gap in " + text);
        covered = Math.max(covered, encoding.ends()[i]);
      }
      assertEquals(text.length(), covered, text);
      Encoding remembered = tokenizer.encodeWithOffsets(text, false);
      assertArrayEquals(encoding.ids(), remembered.ids(), text);
      assertArrayEquals(encoding.starts(), remembered.starts(), text);
      assertArrayEquals(encoding.ends(), remembered.ends(), text);
    }
  }

  @Test
  void shouldPointIntoTheOriginalText() {
    Tokenizer tokenizer = Tokenizers.load(file(false));
    Encoding encoding = tokenizer.encodeWithOffsets("hello 😀é", true);
    assertEquals("<s>", tokenizer.token(encoding.ids()[0]));
    assertArrayEquals(new int[] {0, 0, 5, 6, 8, 8}, encoding.starts());
    assertArrayEquals(new int[] {0, 5, 6, 8, 9, 9}, encoding.ends());
  }

  @Test
  void shouldPointAtWhatWasComposed() {
    Tokenizer tokenizer = Tokenizers.load(file(true));
    Encoding encoding = tokenizer.encodeWithOffsets("qe\u0301z", false);
    int[] expected = tokenizer.encode("q\u00E9z", false);
    assertArrayEquals(expected, encoding.ids());
    assertEquals(0, encoding.starts()[0]);
    assertEquals(4, encoding.ends()[expected.length - 1]);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void shouldStreamWhatItDecodesAtOnceAndNeverHalfACodePoint(boolean byteLevel) {
    Tokenizer tokenizer = Tokenizers.load(file(byteLevel));
    for (String text : AdversarialText.mixtures(6, 500, 20)) {
      int[] ids = tokenizer.encode(text, false);
      StreamingDecoder decoder = tokenizer.streamingDecoder(false);
      StringBuilder streamed = new StringBuilder();
      for (int id : ids) {
        String part = decoder.next(id);
        if (!text.contains("\uFFFD")) {
          assertFalse(part.contains("\uFFFD"), text);
        }
        streamed.append(part);
      }
      streamed.append(decoder.finish());
      assertEquals(tokenizer.decode(ids, false), streamed.toString());
    }
  }

  @Test
  void shouldReplaceACodePointThatNeverEnds() {
    Tokenizer tokenizer = Tokenizers.load(file(false));
    StreamingDecoder decoder = tokenizer.streamingDecoder(true);
    assertEquals("", decoder.next(tokenizer.id("<0xF0>").getAsInt()));
    assertEquals("", decoder.next(tokenizer.id("<0x9F>").getAsInt()));
    assertEquals("\uFFFD", decoder.finish());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void shouldTakeUnpairedSurrogatesForReplacementCharacters(boolean byteLevel) {
    Tokenizer tokenizer = Tokenizers.load(file(byteLevel));
    for (String text : List.of("\uD83D", "a\uDE00b", "\uDE00\uD83D", "x\uD83Dy\uD83D\uDE00")) {
      String whole =
          new String(text.getBytes(StandardCharsets.UTF_16LE), StandardCharsets.UTF_16LE);
      assertArrayEquals(tokenizer.encode(whole, false), tokenizer.encode(text, false));
    }
  }

  @Test
  void shouldEncodeTheSameFromManyThreads() throws Exception {
    Tokenizer tokenizer = Tokenizers.load(file(true));
    List<String> texts = AdversarialText.mixtures(8, 300, 30);
    List<int[]> expected = texts.stream().map(text -> tokenizer.encode(text, false)).toList();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Callable<Boolean>> tasks = new ArrayList<>();
      for (int seed = 0; seed < 8; seed++) {
        Random random = new Random(seed);
        tasks.add(
            () -> {
              for (int i = 0; i < 3000; i++) {
                int at = random.nextInt(texts.size());
                if (!Arrays.equals(expected.get(at), tokenizer.encode(texts.get(at), false))) {
                  return false;
                }
              }
              return true;
            });
      }
      for (Future<Boolean> done : threads.invokeAll(tasks)) {
        assertTrue(done.get());
      }
    } finally {
      threads.shutdown();
    }
  }

  @Test
  void shouldOfferTheVocabularyAsGgufSpellsIt() {
    TokenizerVocabulary llama = Tokenizers.load(file(false)).vocabulary();
    assertEquals("llama", llama.model());
    assertEquals(TokenizerVocabulary.UNKNOWN, llama.tokenTypes()[0]);
    assertEquals(TokenizerVocabulary.CONTROL, llama.tokenTypes()[1]);
    assertEquals(TokenizerVocabulary.BYTE, llama.tokenTypes()[3]);
    assertTrue(llama.addBos());
    TokenizerVocabulary gpt2 = Tokenizers.load(file(true)).vocabulary();
    assertEquals("gpt2", gpt2.model());
    assertEquals("qwen2", gpt2.preTokenizer());
    assertEquals(900 - 256 - 3, gpt2.merges().size());
    assertEquals(TokenizerVocabulary.CONTROL, gpt2.tokenTypes()[899]);
  }
}
