package org.sparktune.tokenizer.bpe;

/** UTF-8 of single code points packed into an int, first byte highest. */
final class Utf8 {
  private Utf8() {}

  /** How many bytes a code point has. */
  static int length(int codePoint) {
    return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
  }

  /** The bytes of a code point. */
  static int packed(int codePoint) {
    if (codePoint < 0x80) {
      return codePoint;
    }
    if (codePoint < 0x800) {
      return 0xC080 | (codePoint >> 6) << 8 | (codePoint & 0x3F);
    }
    if (codePoint < 0x10000) {
      return 0xE08080 | (codePoint >> 12) << 16 | (codePoint >> 6 & 0x3F) << 8 | (codePoint & 0x3F);
    }
    return 0xF0808080
        | (codePoint >> 18) << 24
        | (codePoint >> 12 & 0x3F) << 16
        | (codePoint >> 6 & 0x3F) << 8
        | (codePoint & 0x3F);
  }

  /** Whether a byte begins a code point. */
  static boolean isLead(byte b) {
    return (b & 0xC0) != 0x80;
  }
}
