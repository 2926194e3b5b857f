package org.sparktune.tokenizer.decode;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A growing array of bytes that becomes text. */
final class ByteBuilder {
  private static final byte[] REPLACEMENT = "\uFFFD".getBytes(StandardCharsets.UTF_8);

  private byte[] bytes = new byte[64];
  private int size;

  void add(byte[] more) {
    if (size + more.length > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, size + more.length));
    }
    System.arraycopy(more, 0, bytes, size, more.length);
    size += more.length;
  }

  int size() {
    return size;
  }

  byte get(int index) {
    return bytes[index];
  }

  /** Forgets the first bytes. */
  void drop(int count) {
    System.arraycopy(bytes, count, bytes, 0, size - count);
    size -= count;
  }

  /** Puts one U+FFFD for each byte from {@code from} on if together they are malformed. */
  void replaceIfMalformed(int from) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, from, size - from));
    } catch (CharacterCodingException malformed) {
      int count = size - from;
      size = from;
      for (int i = 0; i < count; i++) {
        add(REPLACEMENT);
      }
    }
  }

  /** The text from a byte on. */
  String decode(int from) {
    return new String(bytes, from, size - from, StandardCharsets.UTF_8);
  }

  /** The text between two bytes. */
  String decode(int from, int to) {
    return new String(bytes, from, to - from, StandardCharsets.UTF_8);
  }

  /** How many bytes from the beginning make whole code points; malformed bytes count as whole. */
  int wholeCodePoints() {
    for (int back = 1; back <= 3 && back <= size; back++) {
      int lead = bytes[size - back] & 0xFF;
      if (lead < 0x80) {
        return size;
      }
      if (lead >= 0xC0) {
        int needed = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
        return lead < 0xF8 && back < needed ? size - back : size;
      }
    }
    return size;
  }
}
