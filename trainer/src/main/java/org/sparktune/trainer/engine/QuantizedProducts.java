package org.sparktune.trainer.engine;

import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.quantize.QuantizedMatrix;

/** Products with matrices that stay in few bits. */
public interface QuantizedProducts {

  /** A short description for the log: engine, libraries, precision, threads. */
  String description();

  /**
   * Prepares a frozen matrix that stays in few bits: every product decodes it first.
   *
   * @param matrix in host memory; may be released afterwards
   * @throws SparktuneException {@code UNSUPPORTED} if the engine cannot decode it
   */
  default Weight freezeQuantized(QuantizedMatrix matrix) {
    throw new SparktuneException(
        ErrorCode.UNSUPPORTED,
        "The engine (%s) does not keep weights in few bits.".formatted(description()),
        "Set quantization: none, or engine: cpu.");
  }
}
