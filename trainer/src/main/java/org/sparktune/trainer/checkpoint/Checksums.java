package org.sparktune.trainer.checkpoint;

import java.util.zip.CRC32C;

/** CRC32C as eight hexadecimal digits, as object stores and {@code rhash --crc32c} print it. */
final class Checksums {
  private Checksums() {}

  static String text(CRC32C crc) {
    return "%08x".formatted(crc.getValue());
  }
}
