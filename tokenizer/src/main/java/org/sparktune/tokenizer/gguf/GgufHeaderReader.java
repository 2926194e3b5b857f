package org.sparktune.tokenizer.gguf;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads and checks a GGUF file's header, metadata and tensor table. */
final class GgufHeaderReader {
  private static final int MAXIMUM_DIMENSIONS = 4;

  /** Arrays in arrays deeper than any file has. */
  private static final int MAXIMUM_NESTING = 8;

  /** All array elements of a file; the largest vocabularies have a third of it. */
  private static final long MAXIMUM_ELEMENTS = 1 << 22;

  private static final int MAXIMUM_ALIGNMENT = 1 << 20;
  private static final GgufValue.Type[] TYPES = GgufValue.Type.values();

  private final GgufInput input;
  private final int version;
  private final GgufMetadata metadata;
  private final Map<String, GgufTensor> tensors;
  private long elements;

  GgufHeaderReader(Path path, GgufInput input) throws IOException {
    this.input = input;
    this.version = readVersion();
    // A name length, a dimension count, one dimension, a type and an offset.
    long tensorCount = input.readCount(8 + 4 + 8 + 4 + 8, "a number of tensors");
    long keyCount = input.readCount(8 + 4 + 1, "a number of metadata keys");
    this.metadata = new GgufMetadata(path, readMetadata(keyCount));
    this.tensors = readTensors(tensorCount);
  }

  int version() {
    return version;
  }

  GgufMetadata metadata() {
    return metadata;
  }

  Map<String, GgufTensor> tensors() {
    return tensors;
  }

  private int readVersion() throws IOException {
    int magic = input.readInt("the magic number");
    if (magic != GgufFile.MAGIC) {
      throw input.bad("is not a GGUF file: it begins with 0x%08x".formatted(magic));
    }
    int found = input.readInt("the version");
    if ((found & 0xffff) == 0 && found != 0) {
      throw input.bad("is a big-endian GGUF file, which is not supported");
    }
    if (found != 2 && found != GgufFile.VERSION) {
      throw input.bad(
          "has GGUF version %s, while 2 and 3 are supported"
              .formatted(Integer.toUnsignedString(found)));
    }
    return found;
  }

  private Map<String, GgufValue> readMetadata(long count) throws IOException {
    Map<String, GgufValue> values = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      String key = input.readString("the name of metadata key " + i);
      GgufValue value = readValue(readType(key), key, 0);
      if (values.put(key, value) != null) {
        throw input.bad("has the metadata key %s twice".formatted(key));
      }
    }
    return values;
  }

  private GgufValue.Type readType(String key) throws IOException {
    int id = input.readInt(key);
    if (id < 0 || id >= TYPES.length) {
      throw input.bad(
          "has a value of unknown type %s for metadata key %s"
              .formatted(Integer.toUnsignedString(id), key));
    }
    return TYPES[id];
  }

  private GgufValue readValue(GgufValue.Type type, String key, int depth) throws IOException {
    return switch (type) {
      case UINT8 -> new GgufValue.Whole(type, input.readByte(key) & 0xff);
      case INT8 -> new GgufValue.Whole(type, input.readByte(key));
      case UINT16 -> new GgufValue.Whole(type, Short.toUnsignedLong(input.readShort(key)));
      case INT16 -> new GgufValue.Whole(type, input.readShort(key));
      case UINT32 -> new GgufValue.Whole(type, Integer.toUnsignedLong(input.readInt(key)));
      case INT32 -> new GgufValue.Whole(type, input.readInt(key));
      case UINT64, INT64 -> new GgufValue.Whole(type, input.readLong(key));
      case FLOAT32 -> new GgufValue.Real(type, Float.intBitsToFloat(input.readInt(key)));
      case FLOAT64 -> new GgufValue.Real(type, Double.longBitsToDouble(input.readLong(key)));
      case BOOL -> new GgufValue.Flag(readFlag(key));
      case STRING -> new GgufValue.Text(input.readString(key));
      case ARRAY -> readSequence(key, depth + 1);
    };
  }

  private boolean readFlag(String key) throws IOException {
    int value = input.readByte(key);
    if (value != 0 && value != 1) {
      throw input.bad(
          "has %d for the metadata key %s, which is true or false".formatted(value, key));
    }
    return value == 1;
  }

  private GgufValue readSequence(String key, int depth) throws IOException {
    if (depth > MAXIMUM_NESTING) {
      throw input.bad("nests arrays too deeply in metadata key " + key);
    }
    GgufValue.Type type = readType(key);
    long count = input.readCount(type.minimumBytes(), "an array length in metadata key " + key);
    elements += count;
    if (elements > MAXIMUM_ELEMENTS) {
      throw input.bad(
          "claims more than %d array elements up to metadata key %s"
              .formatted(MAXIMUM_ELEMENTS, key));
    }
    List<GgufValue> values = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      values.add(readValue(type, key, depth));
    }
    return new GgufValue.Sequence(type, values);
  }

  private Map<String, GgufTensor> readTensors(long count) throws IOException {
    List<GgufTensor> relative = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      relative.add(readTensor("the description of tensor " + i));
    }
    int alignment = alignment();
    long dataStart = (input.position() + alignment - 1) & -(long) alignment;
    Map<String, GgufTensor> placed = new LinkedHashMap<>();
    for (GgufTensor tensor : relative) {
      if (placed.put(tensor.name(), place(tensor, dataStart, alignment)) != null) {
        throw input.bad("has the tensor %s twice".formatted(tensor.name()));
      }
    }
    return placed;
  }

  private int alignment() {
    int alignment = metadata.integer(GgufFile.ALIGNMENT_KEY, GgufFile.DEFAULT_ALIGNMENT);
    if (alignment <= 0 || alignment > MAXIMUM_ALIGNMENT || Integer.bitCount(alignment) != 1) {
      throw input.bad(
          "has %s %d, which is not a power of two up to %d"
              .formatted(GgufFile.ALIGNMENT_KEY, alignment, MAXIMUM_ALIGNMENT));
    }
    return alignment;
  }

  /** A tensor whose offset is still relative to the start of the data. */
  private GgufTensor readTensor(String what) throws IOException {
    String name = input.readString(what);
    int dimensionCount = input.readInt("tensor " + name);
    if (dimensionCount < 1 || dimensionCount > MAXIMUM_DIMENSIONS) {
      throw input.bad(
          "gives tensor %s %s dimensions, while 1 to %d are possible"
              .formatted(name, Integer.toUnsignedString(dimensionCount), MAXIMUM_DIMENSIONS));
    }
    List<Long> dimensions = new ArrayList<>();
    for (int i = 0; i < dimensionCount; i++) {
      dimensions.add(input.readLong("tensor " + name));
    }
    int typeId = input.readInt("tensor " + name);
    GgmlType type =
        GgmlType.ofId(typeId)
            .orElseThrow(
                () ->
                    input.bad(
                        "stores tensor %s in the unknown block type %s"
                            .formatted(name, Integer.toUnsignedString(typeId))));
    long byteSize = byteSize(name, type, dimensions);
    return new GgufTensor(name, dimensions, type, input.readLong("tensor " + name), byteSize);
  }

  private long byteSize(String name, GgmlType type, List<Long> dimensions) {
    if (!type.fitsRow(dimensions.get(0))) {
      throw input.bad(
          "gives tensor %s rows of %d elements, which are not whole blocks of %s"
              .formatted(name, dimensions.get(0), type));
    }
    try {
      long count = 1;
      for (long dimension : dimensions) {
        if (dimension <= 0) {
          throw input.bad("gives tensor %s the dimensions %s".formatted(name, dimensions));
        }
        count = Math.multiplyExact(count, dimension);
      }
      return type.bytes(count);
    } catch (ArithmeticException e) {
      throw input.bad("gives tensor %s the impossible dimensions %s".formatted(name, dimensions));
    }
  }

  private GgufTensor place(GgufTensor tensor, long dataStart, int alignment) {
    if (tensor.offset() % alignment != 0) {
      throw input.bad(
          "places tensor %s at offset %s, which is not a multiple of %d"
              .formatted(tensor.name(), Long.toUnsignedString(tensor.offset()), alignment));
    }
    long room = input.size() - dataStart;
    if (tensor.offset() < 0
        || tensor.byteSize() > room
        || tensor.offset() > room - tensor.byteSize()) {
      throw input.bad(
          "has %d bytes, but tensor %s needs %d bytes from offset %s of the data, past its end"
              .formatted(
                  input.size(),
                  tensor.name(),
                  tensor.byteSize(),
                  Long.toUnsignedString(tensor.offset())));
    }
    return new GgufTensor(
        tensor.name(),
        tensor.dimensions(),
        tensor.type(),
        dataStart + tensor.offset(),
        tensor.byteSize());
  }
}
