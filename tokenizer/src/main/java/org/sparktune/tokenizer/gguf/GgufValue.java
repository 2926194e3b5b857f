package org.sparktune.tokenizer.gguf;

import java.util.List;

/** A metadata value of a GGUF file. */
public sealed interface GgufValue {

  /** How a value is stored; ids are the file format's. */
  enum Type {
    UINT8(0, 1),
    INT8(1, 1),
    UINT16(2, 2),
    INT16(3, 2),
    UINT32(4, 4),
    INT32(5, 4),
    FLOAT32(6, 4),
    BOOL(7, 1),
    STRING(8, 8),
    ARRAY(9, 12),
    UINT64(10, 8),
    INT64(11, 8),
    FLOAT64(12, 8);

    private final int id;
    private final int minimumBytes;

    Type(int id, int minimumBytes) {
      this.id = id;
      this.minimumBytes = minimumBytes;
    }

    /** The number that stands for the type in a file. */
    public int id() {
      return id;
    }

    /** The fewest bytes that a value of this type takes. */
    int minimumBytes() {
      return minimumBytes;
    }
  }

  /** How the value is stored. */
  Type type();

  /** What a message calls the value. */
  String described();

  /**
   * A whole number.
   *
   * @param type one of the integer types
   * @param value the value; a {@code UINT64} above 2^63 - 1 is negative here
   */
  record Whole(Type type, long value) implements GgufValue {
    @Override
    public String described() {
      return "the whole number " + (type == Type.UINT64 ? Long.toUnsignedString(value) : value);
    }
  }

  /**
   * A floating-point number.
   *
   * @param type {@code FLOAT32} or {@code FLOAT64}
   * @param value the value
   */
  record Real(Type type, double value) implements GgufValue {
    @Override
    public String described() {
      return "the number " + value;
    }
  }

  /**
   * True or false.
   *
   * @param value the value
   */
  record Flag(boolean value) implements GgufValue {
    @Override
    public Type type() {
      return Type.BOOL;
    }

    @Override
    public String described() {
      return String.valueOf(value);
    }
  }

  /**
   * A string.
   *
   * @param value the value
   */
  record Text(String value) implements GgufValue {
    @Override
    public Type type() {
      return Type.STRING;
    }

    @Override
    public String described() {
      return "a string";
    }
  }

  /**
   * An array.
   *
   * @param elementType what all elements are
   * @param elements the elements, which may be arrays again
   */
  record Sequence(Type elementType, List<GgufValue> elements) implements GgufValue {
    /** Copies the elements. */
    public Sequence {
      elements = List.copyOf(elements);
    }

    @Override
    public Type type() {
      return Type.ARRAY;
    }

    @Override
    public String described() {
      return "an array of %d %s".formatted(elements.size(), elementType);
    }
  }

  /** A {@code UINT32}. */
  static GgufValue unsigned(long value) {
    return new Whole(Type.UINT32, value);
  }

  /** A {@code FLOAT32}. */
  static GgufValue real(double value) {
    return new Real(Type.FLOAT32, value);
  }

  /** A {@code STRING}. */
  static GgufValue text(String value) {
    return new Text(value);
  }

  /** A {@code BOOL}. */
  static GgufValue flag(boolean value) {
    return new Flag(value);
  }

  /** An array of {@code STRING}. */
  static GgufValue texts(List<String> values) {
    return new Sequence(Type.STRING, values.stream().<GgufValue>map(Text::new).toList());
  }
}
