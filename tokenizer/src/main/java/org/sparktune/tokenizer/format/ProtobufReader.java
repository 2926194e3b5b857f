package org.sparktune.tokenizer.format;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Walks through the fields of a protobuf message. Throws {@link BufferUnderflowException} where the
 * message ends too early and {@link IllegalArgumentException} where it makes no sense.
 */
final class ProtobufReader {
  private final ByteBuffer bytes;
  private int field;
  private int wireType;

  ProtobufReader(ByteBuffer bytes) {
    this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Goes to the next field, whose value must then be read or skipped. */
  boolean next() {
    if (!bytes.hasRemaining()) {
      return false;
    }
    int tag = (int) varint();
    field = tag >>> 3;
    wireType = tag & 7;
    if (field == 0) {
      throw new IllegalArgumentException("field number 0");
    }
    return true;
  }

  int field() {
    return field;
  }

  long varint() {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      byte b = bytes.get();
      value |= (long) (b & 0x7F) << shift;
      if (b >= 0) {
        return value;
      }
    }
    throw new IllegalArgumentException("a number of more than 64 bits");
  }

  float float32() {
    expect(5);
    return bytes.getFloat();
  }

  int integer() {
    expect(0);
    return (int) varint();
  }

  ByteBuffer message() {
    expect(2);
    long length = varint();
    if (length < 0 || length > bytes.remaining()) {
      throw new BufferUnderflowException();
    }
    ByteBuffer message = bytes.slice(bytes.position(), (int) length);
    bytes.position(bytes.position() + (int) length);
    return message;
  }

  String text() {
    return StandardCharsets.UTF_8.decode(message()).toString();
  }

  void skip() {
    switch (wireType) {
      case 0 -> varint();
      case 1 -> bytes.getLong();
      case 2 -> message();
      case 5 -> bytes.getInt();
      default -> throw new IllegalArgumentException("wire type " + wireType);
    }
  }

  private void expect(int expected) {
    if (wireType != expected) {
      throw new IllegalArgumentException(
          "field " + field + " has wire type " + wireType + " instead of " + expected);
    }
  }
}
