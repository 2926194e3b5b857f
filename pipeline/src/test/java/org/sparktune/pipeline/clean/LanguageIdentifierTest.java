package org.sparktune.pipeline.clean;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

class LanguageIdentifierTest {
  private final LanguageIdentifier identifier = new LanguageIdentifier();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Write a short story about a robot that learns how to paint the sea.|eng",
        "Schreibe eine kurze Geschichte über einen Roboter, der das Meer malen lernt.|deu",
        "Écris une courte histoire sur un robot qui apprend à peindre la mer.|fra",
        "Напиши короткий рассказ о роботе, который учится рисовать море.|rus",
        "写一个短篇故事。|cmn",
        "用 Python 写一个函数，返回列表里最大的数。|cmn",
        "海を描くことを学ぶロボットの短い物語を書いて。|jpn",
        "바다를 그리는 로봇에 대한 짧은 이야기를 써 줘.|kor",
        "Γράψε μια σύντομη ιστορία.|ell",
        "12345 !?|und"
      })
  void shouldTellShortTexts(String text, String language) {
    assertEquals(language, identifier.identify(text).language());
  }

  @Test
  void shouldBeSureWhenItIsRight() throws IOException {
    Path corpora = Path.of(System.getProperty("sparktune.shared", "")).resolve("assets/corpora");
    assumeTrue(Files.isDirectory(corpora), "no assets/corpora beside the checkout");
    for (Map.Entry<String, String> corpus :
        Map.of(
                "debian-reference-en.txt", "eng",
                "debian-reference-de.txt", "deu",
                "debian-reference-zh-cn.txt", "cmn",
                "debian-reference-ja.txt", "jpn",
                "fortunes-ru.txt", "rus")
            .entrySet()) {
      String text = Files.readString(corpora.resolve(corpus.getKey())).replaceAll("\\s+", " ");
      int sure = 0;
      int right = 0;
      for (int i = 0; i < 100; i++) {
        int start = 5000 + i * Math.min(1000, (text.length() - 6000) / 100);
        LanguageIdentifier.Guess guess = identifier.identify(text.substring(start, start + 300));
        sure += guess.confidence() >= 0.65 ? 1 : 0;
        right += guess.confidence() >= 0.65 && guess.language().equals(corpus.getValue()) ? 1 : 0;
      }
      // The manuals quote commands and English words.
      assertTrue(sure >= 70, corpus + " sure of " + sure);
      assertTrue(right >= 0.85 * sure, corpus + " right " + right + " of " + sure);
    }
  }

  @Test
  void shouldRefuseLanguagesItCannotTell() {
    SparktuneException e =
        assertThrows(SparktuneException.class, () -> new LanguageFilter(List.of("bo"), 0.5));
    assertEquals(ErrorCode.UNSUPPORTED, e.code());
  }
}
