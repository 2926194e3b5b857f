package org.sparktune.trainer.modelfile;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.memory.DType;

/** Element types of safetensors files. */
public enum SafetensorsType {
  F64(8),
  F32(4),
  BF16(2),
  F16(2),
  I64(8),
  I32(4),
  I16(2),
  I8(1),
  U8(1),
  BOOL(1);

  private final int bytes;

  SafetensorsType(int bytes) {
    this.bytes = bytes;
  }

  /** The type of that name. */
  static Optional<SafetensorsType> of(String name) {
    for (SafetensorsType type : values()) {
      if (type.name().equals(name)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  /** The type that a tensor of this element type is written as. */
  static SafetensorsType of(DType type) {
    return switch (type) {
      case F32 -> F32;
      case BF16 -> BF16;
      case F16 -> F16;
      case I32 -> I32;
      case I8 -> I8;
    };
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** Whether the elements are floating-point numbers. */
  public boolean isFloatingPoint() {
    return switch (this) {
      case F64, F32, BF16, F16 -> true;
      case I64, I32, I16, I8, U8, BOOL -> false;
    };
  }

  /** The block type of floating-point numbers with the same bytes; none for integers. */
  Optional<GgmlType> stored() {
    return switch (this) {
      case F64 -> Optional.of(GgmlType.F64);
      case F32 -> Optional.of(GgmlType.F32);
      case BF16 -> Optional.of(GgmlType.BF16);
      case F16 -> Optional.of(GgmlType.F16);

      case I64, I32, I16, I8, U8, BOOL -> Optional.empty();
    };
  }

  /** The integer at an index. */
  long integer(ByteBuffer values, int index) {
    return switch (this) {
      case I64 -> values.getLong(index * Long.BYTES);
      case I32 -> values.getInt(index * Integer.BYTES);
      case I16 -> values.getShort(index * Short.BYTES);
      case I8 -> values.get(index);
      case U8, BOOL -> values.get(index) & 0xff;
      case F64, F32, BF16, F16 -> throw new IllegalStateException(this + " holds no integers");
    };
  }
}
