package org.sparktune.tokenizer.bpe;

import java.util.Arrays;

/**
 * GPT-2's printable spelling of bytes: printable Latin-1 characters stand for themselves, the other
 * 68 bytes for U+0100 and on, in order. Byte-level vocabularies are written in it.
 */
public final class ByteAlphabet {
  private static final char[] TO_CHARACTER = new char[256];
  private static final int[] RANK = new int[256];
  private static final short[] TO_BYTE = new short[0x144];

  static {
    Arrays.fill(TO_BYTE, (short) -1);
    int next = 0x100;
    for (int b = 0; b < 256; b++) {
      boolean printable =
          (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
      TO_CHARACTER[b] = (char) (printable ? b : next++);
      TO_BYTE[TO_CHARACTER[b]] = (short) b;
    }
    int rank = 0;
    for (short b : TO_BYTE) {
      if (b >= 0) {
        RANK[b] = rank++;
      }
    }
  }

  private ByteAlphabet() {}

  /** The character that stands for a byte. */
  public static char toCharacter(int unsignedByte) {
    return TO_CHARACTER[unsignedByte];
  }

  /** A byte's place when all bytes are ordered by the characters that stand for them. */
  public static int rank(int unsignedByte) {
    return RANK[unsignedByte];
  }

  /** The byte (0 to 255) that a character stands for, or -1 if it stands for none. */
  public static int toByte(char character) {
    return character < TO_BYTE.length ? TO_BYTE[character] : -1;
  }

  /** The spelling of bytes. */
  public static String spell(byte[] bytes, int start, int end) {
    StringBuilder spelled = new StringBuilder(end - start);
    for (int i = start; i < end; i++) {
      spelled.append(TO_CHARACTER[bytes[i] & 0xFF]);
    }
    return spelled.toString();
  }

  /** The bytes that a token spells, or null if it has a character that stands for no byte. */
  public static byte[] bytesOf(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      int b = toByte(token.charAt(i));
      if (b < 0) {
        return null;
      }
      bytes[i] = (byte) b;
    }
    return bytes;
  }
}
