package org.sparktune.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Text that tokenizers stumble over, from a seed. */
final class AdversarialText {
  private static final String[] PIECES = {
    "hello",
    "World",
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\n\n",
    "\u00A0",
    "\u0085",
    "\u1680",
    "\u2003",
    "\u2028",
    "\u2029",
    "\u202F",
    "\u205F",
    "\u3000",
    "\u200B",
    "\uFEFF",
    "\u000B",
    "\f",
    "\u0000",
    "\u0001",
    "\u001B",
    "\u007F",
    "\u009F",
    "'s",
    "'S",
    "'\u017F",
    "'ll",
    "'LL",
    "'re",
    "'Ve",
    "'",
    "\u2019s",
    "12",
    "3",
    "4567890",
    "\u0661\u0662",
    "\u2160",
    "\u00BD",
    "\u00B2",
    "你好",
    "世界",
    "，",
    "。",
    "日本語",
    "カタカナ",
    "ひらがな",
    "한국어",
    "\u1112\u1161\u11AB",
    "مرحبا",
    "\u0645\u064E\u0631\u0652",
    "שלום",
    "Привет",
    "ё",
    "е\u0308",
    "é",
    "e\u0301",
    "a\u0323\u0302",
    "\u0344",
    "\u0958",
    "ﬁ",
    "ß",
    "İ",
    "क्षि",
    "ไทย",
    "😀",
    "👩‍👩‍👧‍👦",
    "🏳️‍🌈",
    "🇩🇪",
    "👍🏽",
    "\uD834\uDD5E",
    "\uD87E\uDC1D",
    "𠀀",
    "𝒜",
    "\uDB40\uDC01",
    "\uFFFD",
    "\uFFFF",
    "\uE000",
    "<s>",
    "</s>",
    "<unk>",
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|user|>",
    "<|end|>",
    "<|begin_of_text|>",
    "<|eot_id|>",
    "<|",
    "<0x0A>",
    "<0xFF>",
    "▁",
    "▁▁",
    "Ġ",
    "Ċ",
    "_",
    "!",
    "...",
    "//",
    "==",
    "#",
    "@",
    "$",
    "\\",
    "\"",
    "(",
    ")",
    "-",
    "—",
    "\u0300",
    "\u20E3",
    "x\u0307\u0323"
  };

  private AdversarialText() {}

  /** Texts made of up to {@code longest} awkward pieces each. */
  static List<String> mixtures(long seed, int count, int longest) {
    Random random = new Random(seed);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StringBuilder text = new StringBuilder();
      for (int j = random.nextInt(longest) + 1; j > 0; j--) {
        text.append(PIECES[random.nextInt(PIECES.length)]);
      }
      texts.add(text.toString());
    }
    return texts;
  }

  /** Texts of random code points of every plane that is in use. */
  static List<String> codePoints(long seed, int count, int length) {
    Random random = new Random(seed);
    int[] bounds = {0x80, 0x300, 0x3000, 0x10000, 0x1FFFF, 0x32000, 0x110000};
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int bound = bounds[random.nextInt(bounds.length)];
      StringBuilder text = new StringBuilder();
      while (text.length() < length) {
        int codePoint = random.nextInt(bound);
        if (codePoint < 0xD800 || codePoint > 0xDFFF) {
          text.appendCodePoint(codePoint);
        }
      }
      texts.add(text.toString());
    }
    return texts;
  }

  /** Words of 100,000 units and other long repetitions. */
  static List<String> giants() {
    Random random = new Random(7);
    StringBuilder letters = new StringBuilder();
    while (letters.length() < 100_000) {
      letters.append((char) ('a' + random.nextInt(26)));
    }
    return List.of(
        "a".repeat(100_000),
        " ".repeat(100_000),
        "ab".repeat(50_000),
        "\n".repeat(100_000),
        "1".repeat(100_000),
        "=".repeat(100_000),
        "的".repeat(100_000),
        "😀".repeat(50_000),
        "e\u0301".repeat(50_000),
        letters.toString());
  }
}
