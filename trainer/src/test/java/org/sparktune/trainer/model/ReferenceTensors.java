package org.sparktune.trainer.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.WeightSource;

/** The F32 and I64 tensors of a small safetensors file, read whole. */
public final class ReferenceTensors implements WeightSource {
  private final ByteBuffer data;
  private final JsonNode header;

  private ReferenceTensors(ByteBuffer data, JsonNode header) {
    this.data = data;
    this.header = header;
  }

  public static ReferenceTensors open(Path file) {
    try {
      ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      byte[] json = new byte[(int) all.getLong()];
      all.get(json);
      JsonNode header = new ObjectMapper().readTree(new String(json, StandardCharsets.UTF_8));
      return new ReferenceTensors(all.slice().order(ByteOrder.LITTLE_ENDIAN), header);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public Set<String> names() {
    Set<String> names = new LinkedHashSet<>();
    header.fieldNames().forEachRemaining(names::add);
    names.remove("__metadata__");
    return names;
  }

  public float[] floats(String name) {
    int start = start(name);
    float[] values = new float[size(name)];
    data.slice(start, 4 * values.length).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  public int[] ints(String name) {
    int start = start(name);
    int[] values = new int[size(name)];
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.toIntExact(data.getLong(start + 8 * i));
    }
    return values;
  }

  @Override
  public boolean has(String name) {
    return header.has(name);
  }

  @Override
  public long[] shape(String name) {
    if (!has(name)) {
      throw new IllegalArgumentException("no tensor " + name);
    }
    JsonNode shape = header.get(name).get("shape");
    long[] dimensions = new long[shape.size()];
    for (int i = 0; i < dimensions.length; i++) {
      dimensions[i] = shape.get(i).asLong();
    }
    return dimensions;
  }

  @Override
  public void read(String name, Tensor destination) {
    float[] values = floats(name);
    if (destination.type() == DType.F32) {
      destination.set(values);
      return;
    }
    for (int i = 0; i < values.length; i++) {
      int bits = Float.floatToRawIntBits(values[i]);
      int rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
      Memory.putShort(destination.address() + 2L * i, (short) rounded);
    }
  }

  private int start(String name) {
    return header.get(name).get("data_offsets").get(0).asInt();
  }

  private int size(String name) {
    int size = 1;
    for (long dimension : shape(name)) {
      size *= (int) dimension;
    }
    return size;
  }
}
