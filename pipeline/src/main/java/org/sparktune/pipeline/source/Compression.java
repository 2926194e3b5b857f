package org.sparktune.pipeline.source;

import com.github.luben.zstd.ZstdInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;

/** How a whole file is compressed, known by its first bytes. */
enum Compression {
  NONE,
  GZIP,
  ZSTD;

  /** A guess at how many bytes of text a byte of the file stands for. */
  int expansion() {
    return this == NONE ? 1 : 4;
  }

  static Compression of(byte[] head) {
    if (head.length >= 2 && (head[0] & 0xff) == 0x1f && (head[1] & 0xff) == 0x8b) {
      return GZIP;
    }
    boolean zstd =
        head.length >= 4
            && (head[0] & 0xff) == 0x28
            && (head[1] & 0xff) == 0xb5
            && head[2] == 0x2f
            && (head[3] & 0xff) == 0xfd;
    return zstd ? ZSTD : NONE;
  }

  InputStream decompress(InputStream in) throws IOException {
    return switch (this) {
      case NONE -> in;
      case GZIP -> new GZIPInputStream(in, 1 << 16);
      case ZSTD -> new ZstdInputStream(in).setContinuous(false);
    };
  }
}
