package org.sparktune.trainer.collective.aeron;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Where a rank is found, as exchanged through the barrier.
 *
 * @param host its name, for messages
 * @param address its IP address
 * @param port its UDP port
 * @param hostId the same on every rank of one running machine
 * @param directory of its media driver
 * @param nonce random; what other ranks prove themselves with holds for this endpoint only
 * @param freeBytes room for stream buffers when it was opened
 */
record PeerAddress(
    String host,
    String address,
    int port,
    String hostId,
    String directory,
    String nonce,
    long freeBytes) {
  private static final String FORMAT = "sparktune-1";

  /** What an Aeron channel takes. */
  String endpoint() {
    return (address.contains(":") ? "[" + address + "]" : address) + ":" + port;
  }

  /** One line of text. */
  String format() {
    StringBuilder text = new StringBuilder(FORMAT);
    append(text, "host", host);
    append(text, "address", address);
    append(text, "port", Integer.toString(port));
    append(text, "hostId", hostId);
    append(text, "directory", directory);
    append(text, "nonce", nonce);
    append(text, "free", Long.toString(freeBytes));
    return text.toString();
  }

  /** Reads what {@link #format} wrote. */
  static PeerAddress parse(String text) {
    Map<String, String> values = new HashMap<>();
    String[] parts = text.split("&", -1);
    for (int i = 1; i < parts.length; i++) {
      int equals = parts[i].indexOf('=');
      if (equals > 0) {
        values.put(
            parts[i].substring(0, equals),
            URLDecoder.decode(parts[i].substring(equals + 1), StandardCharsets.UTF_8));
      }
    }
    try {
      if (!parts[0].equals(FORMAT)) {
        throw new IllegalArgumentException("unknown format");
      }
      return new PeerAddress(
          value(values, "host"),
          value(values, "address"),
          Integer.parseInt(value(values, "port")),
          value(values, "hostId"),
          value(values, "directory"),
          value(values, "nonce"),
          Long.parseLong(value(values, "free")));
    } catch (IllegalArgumentException e) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "A rank's address cannot be read: %s.".formatted(text),
          "All ranks must run the same version of sparktune.",
          e);
    }
  }

  private static String value(Map<String, String> values, String name) {
    String value = values.get(name);
    if (value == null) {
      throw new IllegalArgumentException(name + " is missing");
    }
    return value;
  }

  private static void append(StringBuilder text, String name, String value) {
    text.append('&')
        .append(name)
        .append('=')
        .append(URLEncoder.encode(value, StandardCharsets.UTF_8));
  }
}
