package org.sparktune.trainer.collective.aeron;

/** What an exchange carries, in memory and on the wire. */
enum Content {
  /** Floats as they are. */
  F32(0, Float.BYTES, Float.BYTES),
  /** Floats, rounded to BF16 on the wire, summed in F32. */
  F32_AS_BF16(1, Float.BYTES, Short.BYTES),
  /** Longs. */
  I64(2, Long.BYTES, Long.BYTES);

  private final int code;
  private final int memoryBytes;
  private final int wireBytes;

  Content(int code, int memoryBytes, int wireBytes) {
    this.code = code;
    this.memoryBytes = memoryBytes;
    this.wireBytes = wireBytes;
  }

  /** What stands on the wire. */
  int code() {
    return code;
  }

  /** Bytes of an element in memory. */
  int memoryBytes() {
    return memoryBytes;
  }

  /** Bytes of an element on the wire. */
  int wireBytes() {
    return wireBytes;
  }
}
