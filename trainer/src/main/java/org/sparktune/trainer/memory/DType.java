package org.sparktune.trainer.memory;

/** Element types of dense tensors. Quantized GGML blocks are described by {@code modelfile}. */
public enum DType {
  F32(4),
  BF16(2),
  F16(2),
  I32(4),
  I8(1);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }
}
