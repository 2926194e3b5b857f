package org.sparktune.trainer.modelfile;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.ElementConversion;
import org.sparktune.trainer.memory.Memory;

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

  /** Converts floating-point elements; returns whether all are finite. */
  boolean convert(long source, DType to, long destination, long count) {
    return switch (this) {
      case F32 -> ElementConversion.convert(DType.F32, source, to, destination, count);
      case BF16 -> ElementConversion.convert(DType.BF16, source, to, destination, count);
      case F16 -> ElementConversion.convert(DType.F16, source, to, destination, count);
      case F64 -> fromDoubles(source, to, destination, count);
      case I64, I32, I16, I8, U8, BOOL -> throw new IllegalStateException(this + " holds integers");
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

  private static boolean fromDoubles(long source, DType to, long destination, long count) {
    boolean finite = true;
    for (long i = 0; i < count; i++) {
      long low = Memory.getInt(source + i * Double.BYTES) & 0xffffffffL;
      long high = Memory.getInt(source + i * Double.BYTES + Integer.BYTES);
      float value = (float) Double.longBitsToDouble(high << 32 | low);
      finite &= Float.isFinite(value);
      if (to == DType.F32) {
        Memory.putFloat(destination + i * Float.BYTES, value);
      } else {
        Memory.putShort(destination + i * Short.BYTES, ElementConversion.floatToBfloat(value));
      }
    }
    return finite;
  }
}
