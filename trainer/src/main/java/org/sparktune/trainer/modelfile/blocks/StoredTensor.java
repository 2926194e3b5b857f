package org.sparktune.trainer.modelfile.blocks;

import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.LongStream;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.ElementConversion;
import org.sparktune.trainer.memory.MappedFile;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/**
 * A tensor as it lies in a mapped file; nothing is read before it is asked for.
 *
 * @param name what the file calls it
 * @param type how its elements are stored
 * @param shape dimensions, outermost first
 * @param file where it lies
 * @param offset of its first byte in the file
 * @param rowOrder in which order the file keeps the rows of the first dimension
 */
public record StoredTensor(
    String name, GgmlType type, long[] shape, MappedFile file, long offset, RowOrder rowOrder) {
  /** Elements decoded at a time: a multiple of every block size that stays in the cache. */
  private static final int CHUNK = 8192;

  /** From this size on several threads decode. */
  private static final long PARALLEL_ELEMENTS = 1L << 20;

  /**
   * Checks that the type can be decoded.
   *
   * @throws SparktuneException when it cannot; the message names file, tensor and type
   */
  public StoredTensor {
    if (!BlockReader.canDecode(type)) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s stores the tensor %s in block type %s, which is not supported."
              .formatted(file.path(), name, type),
          "Convert the model to another type, such as Q8_0 or Q4_K.");
    }
  }

  /** The number of elements. */
  public long elements() {
    long elements = 1;
    for (long dimension : shape) {
      elements *= dimension;
    }
    return elements;
  }

  /** The bytes in the file. */
  public long bytes() {
    return type.bytes(elements());
  }

  /** The last dimension. */
  public long columns() {
    return shape.length == 0 ? 1 : shape[shape.length - 1];
  }

  /**
   * The file's own bytes as a tensor, where that is possible: a dense type, rows in order, aligned
   * and contiguous in memory. The bytes are read-only and live as long as the file is open.
   */
  public Optional<Tensor> map() {
    Optional<DType> dense = dense();
    if (dense.isEmpty()
        || shape.length == 0
        || !rowOrder.isPlain()
        || offset % dense.get().bytes() != 0
        || !file.isContiguous(offset, bytes())) {
      return Optional.empty();
    }
    return Optional.of(Tensor.at(dense.get(), address(offset, bytes()), shape));
  }

  /**
   * Reads the tensor in Hugging Face's row order.
   *
   * @param destination contiguous; F32, BF16 or F16 (rounded to nearest even); as many elements
   * @throws SparktuneException when the sizes differ or a value is NaN or infinite
   */
  public void read(Tensor destination) {
    if (destination.size() != elements()) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The tensor %s of %s has the shape %s where %s is needed."
              .formatted(
                  name, file.path(), Arrays.toString(shape), Arrays.toString(destination.shape())),
          "Check that the configuration belongs to these weights.");
    }
    long chunk = rowOrder.isPlain() ? CHUNK : rowElements();
    long chunks = (elements() + chunk - 1) / chunk;
    LongStream all = LongStream.range(0, chunks);
    (elements() < PARALLEL_ELEMENTS ? all : all.parallel())
        .forEach(i -> readChunk(destination, i * chunk, Math.min(chunk, elements() - i * chunk)));
  }

  /**
   * Decodes a small tensor to the heap, in the file's row order and without looking at the values.
   */
  public void copyTo(float[] values) {
    if (values.length != elements()) {
      throw new IllegalArgumentException(
          "%d values cannot hold %s".formatted(values.length, Arrays.toString(shape)));
    }
    if (values.length > 0) {
      decode(0, values.length, values);
    }
  }

  /**
   * Copies a matrix's bytes as they are, rows in Hugging Face's order.
   *
   * @param destination the address of {@link #bytes} bytes
   */
  public void copyRows(long destination) {
    long rowBytes = type.bytes(rowElements());
    for (long row = 0; row < shape[0]; row++) {
      long source = address(offset + rowOrder.stored(row) * rowBytes, rowBytes);
      Memory.copy(source, destination + row * rowBytes, rowBytes);
    }
  }

  /** Reads nothing but looks at every value. */
  public void requireFinite() {
    LongStream.range(0, (elements() + CHUNK - 1) / CHUNK)
        .parallel()
        .forEach(
            i -> {
              int count = (int) Math.min(CHUNK, elements() - i * CHUNK);
              float[] values = new float[count];
              decode(i * CHUNK, count, values);
              requireFinite(values, count, i * CHUNK);
            });
  }

  private Optional<DType> dense() {
    return switch (type) {
      case F32 -> Optional.of(DType.F32);
      case F16 -> Optional.of(DType.F16);
      case BF16 -> Optional.of(DType.BF16);
      case I32 -> Optional.of(DType.I32);
      case I8 -> Optional.of(DType.I8);
      case I16, I64, F64 -> Optional.empty();
      case Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K -> Optional.empty();
      case IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, IQ1_S, IQ1_M, IQ4_NL, IQ4_XS -> Optional.empty();
      case TQ1_0, TQ2_0, MXFP4, Q8_1, Q8_K, NVFP4, Q1_0 -> Optional.empty();
    };
  }

  /** Elements of one entry of the first dimension. */
  private long rowElements() {
    return elements() / shape[0];
  }

  /** Elements of a row, or a run of elements where rows are in order. */
  private void readChunk(Tensor destination, long first, long length) {
    float[] values = new float[(int) Math.min(CHUNK, length)];
    long stored =
        rowOrder.isPlain() ? first : rowOrder.stored(first / rowElements()) * rowElements();
    for (long done = 0; done < length; done += values.length) {
      int count = (int) Math.min(values.length, length - done);
      decode(stored + done, count, values);
      requireFinite(values, count, stored + done);
      store(values, count, destination, first + done);
    }
  }

  private void decode(long first, int count, float[] values) {
    long start = offset + type.bytes(first);
    BlockReader.decode(type, address(start, type.bytes(count)), count, values);
  }

  private long address(long start, long bytes) {
    try {
      return file.address(start, bytes);
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The tensor %s of %s cannot be read: %s.".formatted(name, file.path(), e.getMessage()),
          "Check the disk.",
          e);
    }
  }

  private void requireFinite(float[] values, int count, long first) {
    int index = FiniteCheck.firstNonFinite(values, count);
    if (index >= 0) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The tensor %s of %s holds %s at element %,d."
              .formatted(name, file.path(), values[index], first + index),
          "The weights are damaged: download them again, or go back to an earlier checkpoint.");
    }
  }

  private static void store(float[] values, int count, Tensor destination, long at) {
    long address = destination.address() + at * destination.type().bytes();
    switch (destination.type()) {
      case F32 -> Memory.copyFromHeap(values, address, count);
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          Memory.putShort(address + i * 2L, ElementConversion.floatToBfloat(values[i]));
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          Memory.putShort(address + i * 2L, ElementConversion.floatToHalf(values[i]));
        }
      }
      case I32, I8 ->
          throw new IllegalArgumentException("Weights cannot be read as " + destination.type());
    }
  }
}
