package org.sparktune.pipeline.clean;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.pipeline.spec.CleanOptions.UnicodeForm;

class RewritersTest {
  private final HtmlText html = new HtmlText();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "<p>one</p><p>two &amp; three</p>|one\\ntwo & three",
        "a<br/>b<BR>c|a\\nb\\nc",
        "<a href=\"x>y\" class='z'>link</a> text|link text",
        "x<script>if (a < b) { c(); }</script>y<style>p {}</style>z|xyz",
        "<!-- gone -->kept<!-- open|kept<!-- open",
        "&eacute;&#233;&#xE9;&nbsp;&hellip;&apos;|ééé\u00a0…'",
        "&#150;&#0;&#xD800;&#99999999;&bogus;&amp|–&#0;&#xD800;&#99999999;&bogus;&amp",
        "List<String> a < b && c > d <think>no</think>|List<String> a < b && c > d <think>no</think>",
        "<p unclosed text|<p unclosed text",
        "<!DOCTYPE html><html><body>t</body></html>|t"
      })
  void shouldStripHtml(String written, String text) {
    assertEquals(text.replace("\\n", "\n"), html.rewrite(written).strip());
  }

  @Test
  void shouldTakeLinearTimeForMarkupThatNeverCloses() {
    String hostile = "<!--<script><p &x".repeat(200_000);
    assertTimeoutPreemptively(Duration.ofSeconds(20), () -> html.rewrite(hostile));
  }

  @Test
  void shouldRemoveControlCharacters() {
    ControlCharacters stage = new ControlCharacters();
    assertEquals(
        "a\tb\nc\r\nd\n😀e",
        stage.rewrite("\ufeffa\tb\0\nc\u0007\r\nd\u0085\ud83d😀\ude00e\uffff\u009f"));
    String fine = "fine 日本 \ud83d\ude00\n";
    assertSame(fine, stage.rewrite(fine));
  }

  @Test
  void shouldTrimBlanks() {
    Blanks trim = new Blanks(false);
    assertEquals(
        "def f():\n    return  1\n\nend",
        trim.rewrite("\n \r\ndef f():  \r\n\u00a0   return  1\u3000\r\r\n\n\n\nend\t\n\n"));
    assertEquals("", trim.rewrite(" \n\t\n"));
    assertEquals("\tx", trim.rewrite("\tx"));
  }

  @Test
  void shouldCollapseBlanks() {
    assertEquals("  a b c", new Blanks(true).rewrite("  a \t b\u2003\u2003c "));
  }

  @Test
  void shouldNormalize() {
    assertEquals("é", new UnicodeNormalization(UnicodeForm.NFC).rewrite("e\u0301"));
    assertEquals("ﬁ", new UnicodeNormalization(UnicodeForm.NFC).rewrite("ﬁ"));
    assertEquals("fi A", new UnicodeNormalization(UnicodeForm.NFKC).rewrite("ﬁ\u00a0Ａ"));
  }
}
