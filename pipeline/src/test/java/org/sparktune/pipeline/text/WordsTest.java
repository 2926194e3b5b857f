package org.sparktune.pipeline.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class WordsTest {
  @Test
  void shouldSplitAtWhatIsNoLetterOrDigit() {
    Words words = Words.of("  Hello, wörld-2! ");
    assertEquals(3, words.count());
    assertEquals(11, words.characters());
    assertEquals(Words.of("HELLO").hash(0), words.hash(0));
    assertFalse(words.mostlyUnspaced());
  }

  @Test
  void shouldTakeIdeographsOneByOne() {
    Words words = Words.of("abc日本語かな한국어 𠀀");
    assertEquals(1 + 5 + 1 + 1, words.count());
    assertTrue(words.mostlyUnspaced());
    assertEquals(3, words.length(6));
  }

  @Test
  void shouldHashRunsByTheirWordsAlone() {
    long[] runs = Words.of("a b c d").runs(2);
    assertEquals(3, runs.length);
    assertArrayEquals(new long[] {runs[1], runs[2]}, Words.of("B, c -- D").runs(2));
    assertEquals(1, Words.of("a b c").runs(5).length);
    assertEquals(0, Words.of(" ,. ").runs(5).length);
    assertTrue(Words.of("a a").runs(2)[0] != Words.of("a").runs(2)[0]);
  }

  @Test
  void shouldRollLikeAPlainPolynomial() {
    Random random = new Random(3);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 207; i++) {
      text.append((char) ('a' + random.nextInt(26))).append(' ');
    }
    Words words = Words.of(text.toString());
    for (int n : new int[] {1, 2, 5, 13, 206, 207}) {
      long[] runs = words.runs(n);
      for (int start = 0; start < runs.length; start++) {
        long sum = 0;
        for (int i = start; i < start + n; i++) {
          sum = sum * Hashes.BASE + words.hash(i);
        }
        assertEquals(Hashes.mix(sum + n), runs[start], n + " " + start);
      }
    }
  }

  @Test
  void shouldCountLikeAMap() {
    Random random = new Random(5);
    LongCounts counts = new LongCounts(0);
    Map<Long, Integer> plain = new HashMap<>();
    Set<Long> absent = new HashSet<>();
    for (int i = 0; i < 5000; i++) {
      long key = random.nextInt(1000) * 0x100000001L;
      assertEquals(plain.merge(key, 1, Integer::sum), counts.add(key));
      absent.add(key + 1);
    }
    assertEquals(plain.size(), counts.size());
    plain.keySet().forEach(key -> assertTrue(counts.contains(key)));
    absent.removeAll(plain.keySet());
    absent.forEach(key -> assertFalse(counts.contains(key)));
  }
}
