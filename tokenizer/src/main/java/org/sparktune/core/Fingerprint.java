package org.sparktune.core;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Builds a SHA-256 over a sequence of fields; every field is length-prefixed, so fields cannot run
 * into each other.
 */
public final class Fingerprint {
  private final MessageDigest digest = sha256();

  /** Adds a text field. */
  public Fingerprint add(String field) {
    return add(field.getBytes(StandardCharsets.UTF_8));
  }

  /** Adds a field of bytes. */
  public Fingerprint add(byte[] field) {
    digest.update(ByteBuffer.allocate(Long.BYTES).putLong(field.length).flip());
    digest.update(field);
    return this;
  }

  /** Adds an integer field. */
  public Fingerprint add(long field) {
    digest.update(ByteBuffer.allocate(Long.BYTES).putLong(field).flip());
    return this;
  }

  /**
   * The fingerprint as {@code sha256:} and 64 hexadecimal digits. The object must not be used
   * afterwards.
   */
  public String finish() {
    return "sha256:" + HexFormat.of().formatHex(digest.digest());
  }

  /** The plain SHA-256 of a stream's bytes, as {@code sha256:} and 64 hexadecimal digits. */
  public static String ofStream(InputStream in) throws IOException {
    MessageDigest digest = sha256();
    byte[] buffer = new byte[1 << 16];
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      digest.update(buffer, 0, n);
    }
    return "sha256:" + HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }
}
