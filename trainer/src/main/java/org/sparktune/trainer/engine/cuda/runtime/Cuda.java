package org.sparktune.trainer.engine.cuda.runtime;

import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** Turns the driver's status codes into exceptions. */
final class Cuda {
  private static final int OUT_OF_MEMORY = 2;

  private Cuda() {}

  /**
   * Checks a driver call.
   *
   * @param status what it returned
   * @param call its name, for the message
   */
  static void check(int status, String call) {
    if (status == 0) {
      return;
    }
    if (status == OUT_OF_MEMORY) {
      throw new SparktuneException(
          ErrorCode.RESOURCES,
          "The GPU has no memory left for %s.".formatted(call),
          "Use a smaller batch, a shorter sequence length or a GPU with more memory.");
    }
    throw new SparktuneException(
        ErrorCode.RESOURCES,
        "The CUDA driver refused %s: %s (%d).".formatted(call, message(status), status),
        "An earlier kernel may have failed; see the log, and run the GPU checks of docs/gpu.md.");
  }

  /** Checks a cuBLAS call. */
  static void checkProduct(int status, String call) {
    if (status != 0) {
      throw new SparktuneException(
          ErrorCode.RESOURCES,
          "cuBLASLt refused %s with status %d.".formatted(call, status),
          "Use a CUDA 13 installation whose cuBLAS knows this GPU.");
    }
  }

  private static String message(int status) {
    try (PointerPointer<BytePointer> text = new PointerPointer<>(1)) {
      if (cudart.cuGetErrorString(status, text) != 0) {
        return "unknown error";
      }
      return text.get(BytePointer.class, 0).getString();
    }
  }
}
