package org.sparktune.pipeline.source;

import java.io.IOException;

/** The bytes of a file are not what its format says. */
final class DamagedFileException extends IOException {
  private static final long serialVersionUID = 1L;

  DamagedFileException(String message, Throwable cause) {
    super(message, cause);
  }

  DamagedFileException(String message) {
    super(message);
  }
}
