package org.sparktune.pipeline.clean;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MojibakeTest {
  private final Mojibake mojibake = new Mojibake();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "cafÃ© crÃ¨me|café crème",
        "donâ€™t â€¦ thatâ€™s|don’t … that’s",
        "â€œquotedâ€\u009d|“quoted”",
        "æ—¥æœ¬èªž|日本語",
        "Ð¿Ñ€Ð¸Ð²ÐµÑ‚, Ð¼Ð¸Ñ€|привет, мир",
        "ðŸ˜€ smile|😀 smile",
        "cafÃƒÂ©|café",
        "GrÃ¶ÃŸe 5â‚¬|Größe 5€",
        "Â© 2024 â€” Â½|© 2024 — ½"
      })
  void shouldRepair(String broken, String good) {
    assertEquals(good, mojibake.rewrite(broken));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "plain",
        "café, naïve, Größe",
        "CAFÉ™",
        "“Yes” — he said…",
        "SÃO PAULO, MAÇÃ”",
        "Ångström Â Ð",
        "日本語 and é",
        "привет",
        "one line cafÃ© with a correct é"
      })
  void shouldLeaveWhatIsRight(String text) {
    assertEquals(text, mojibake.rewrite(text));
  }

  @Test
  void shouldRepairLineByLine() {
    assertEquals("déjà\ncafé\n", mojibake.rewrite("déjà\ncafÃ©\n"));
  }

  /** Whatever is written correctly stays, and what was read wrongly comes back. */
  @Test
  void shouldHoldOnRealText() throws IOException {
    Path corpora = Path.of(System.getProperty("sparktune.shared", "")).resolve("assets/corpora");
    assumeTrue(Files.isDirectory(corpora), "no assets/corpora beside the checkout");
    Charset windows = Charset.forName("windows-1252");
    for (String name :
        List.of("debian-reference-de.txt", "debian-reference-zh-cn.txt", "fortunes-ru.txt")) {
      String text = Files.readString(corpora.resolve(name));
      assertEquals(text, mojibake.rewrite(text), name);
      int lines = 0;
      int repaired = 0;
      for (String line : (Iterable<String>) text.lines().limit(3000)::iterator) {
        byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
        String broken = new String(bytes, windows);
        boolean lossless = !broken.contains("\ufffd") && !broken.equals(line);
        lines += lossless ? 1 : 0;
        repaired += lossless && mojibake.rewrite(broken).equals(line) ? 1 : 0;
      }
      // A lone ideograph or letter of another script is left: it might be right.
      assertEquals(1.0, (double) repaired / lines, 0.1, name + ": " + repaired + " of " + lines);
    }
  }
}
