package org.sparktune.trainer.memory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A row-major tensor in off-heap memory. It does not own the memory: the {@link Arena} or mapping
 * it came from must outlive it. The last dimension is contiguous; a 2-D tensor may be a block of
 * columns of a wider one, in which case {@link #rowStride()} exceeds {@link #columns()}.
 */
public final class Tensor {
  private final DType type;
  private final long address;
  private final long[] shape;
  private final long rowStride;

  /** Describes {@code shape} elements at {@code address}, rows {@code rowStride} elements apart. */
  public Tensor(DType type, long address, long rowStride, long... shape) {
    this.type = type;
    this.address = address;
    this.shape = shape.clone();
    this.rowStride = rowStride;
  }

  /** Describes a contiguous tensor at an address. */
  public static Tensor at(DType type, long address, long... shape) {
    return new Tensor(type, address, shape[shape.length - 1], shape);
  }

  /** The element type. */
  public DType type() {
    return type;
  }

  /** The address of the first element. */
  public long address() {
    return address;
  }

  /** The dimensions, outermost first. */
  public long[] shape() {
    return shape.clone();
  }

  /** The number of rows: all dimensions but the last, multiplied. */
  public long rows() {
    long rows = 1;
    for (int i = 0; i < shape.length - 1; i++) {
      rows *= shape[i];
    }
    return rows;
  }

  /** The last dimension. */
  public long columns() {
    return shape[shape.length - 1];
  }

  /** Elements from the start of a row to the start of the next. */
  public long rowStride() {
    return rowStride;
  }

  /** Whether rows follow each other without a gap. */
  public boolean isContiguous() {
    return rowStride == columns();
  }

  /** The number of elements. */
  public long size() {
    return rows() * columns();
  }

  /** The bytes of a contiguous tensor. */
  public long byteSize() {
    requireContiguous();
    return size() * type.bytes();
  }

  /** Address of a row's first element. */
  public long rowAddress(long row) {
    return address + row * rowStride * type.bytes();
  }

  /**
   * Rows {@code from} (inclusive) to {@code to} (exclusive) as a 2-D tensor over the same memory.
   */
  public Tensor rows(long from, long to) {
    if (from < 0 || to < from || to > rows()) {
      throw new IndexOutOfBoundsException("rows %d to %d of %s".formatted(from, to, this));
    }
    return new Tensor(type, rowAddress(from), rowStride, to - from, columns());
  }

  /**
   * Columns {@code from} (inclusive) to {@code to} (exclusive) as a 2-D tensor over the same
   * memory.
   */
  public Tensor columns(long from, long to) {
    if (from < 0 || to < from || to > columns()) {
      throw new IndexOutOfBoundsException("columns %d to %d of %s".formatted(from, to, this));
    }
    return new Tensor(type, address + from * type.bytes(), rowStride, rows(), to - from);
  }

  /** Elements {@code offset} onward of a contiguous tensor, seen with another shape. */
  public Tensor view(long offset, long... newShape) {
    requireContiguous();
    Tensor view = at(type, address + offset * type.bytes(), newShape);
    if (offset < 0 || offset + view.size() > size()) {
      throw new IndexOutOfBoundsException(
          "%s elements from %d of %s".formatted(Arrays.toString(newShape), offset, this));
    }
    return view;
  }

  /** The same elements with another shape. */
  public Tensor reshape(long... newShape) {
    Tensor view = view(0, newShape);
    if (view.size() != size()) {
      throw new IllegalArgumentException(
          "%s cannot be seen as %s".formatted(this, Arrays.toString(newShape)));
    }
    return view;
  }

  /** An F32 element of a contiguous tensor. */
  public float getFloat(long index) {
    return Memory.getFloat(address + index * Float.BYTES);
  }

  /** Sets an F32 element of a contiguous tensor. */
  public void setFloat(long index, float value) {
    Memory.putFloat(address + index * Float.BYTES, value);
  }

  /** An I32 element of a contiguous tensor. */
  public int getInt(long index) {
    return Memory.getInt(address + index * Integer.BYTES);
  }

  /** Sets an I32 element of a contiguous tensor. */
  public void setInt(long index, int value) {
    Memory.putInt(address + index * Integer.BYTES, value);
  }

  /** Copies heap floats into a contiguous F32 tensor of the same size. */
  public Tensor set(float[] values) {
    requireSize(values.length);
    Memory.copyFromHeap(values, address, values.length);
    return this;
  }

  /** Copies a contiguous F32 tensor to the heap. */
  public float[] toFloatArray() {
    float[] values = new float[Math.toIntExact(size())];
    requireSize(values.length);
    Memory.copyToHeap(address, values, values.length);
    return values;
  }

  /** Sets every byte of a contiguous tensor to zero. */
  public void zero() {
    Memory.fill(address, byteSize(), (byte) 0);
  }

  /** Copies from a contiguous tensor of the same type and size. */
  public void copyFrom(Tensor source) {
    if (source.type != type || source.byteSize() != byteSize()) {
      throw new IllegalArgumentException("%s cannot be copied to %s".formatted(source, this));
    }
    Memory.copy(source.address, address, byteSize());
  }

  /**
   * A little-endian byte buffer over part of a contiguous tensor.
   *
   * @param byteOffset where it starts
   * @param length its length in bytes
   */
  public ByteBuffer buffer(long byteOffset, int length) {
    if (byteOffset < 0 || byteOffset + length > byteSize()) {
      throw new IndexOutOfBoundsException(
          "%d bytes from %d of %s".formatted(length, byteOffset, this));
    }
    return pointer(address + byteOffset, length).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public String toString() {
    return type + Arrays.toString(shape) + (isContiguous() ? "" : " with row stride " + rowStride);
  }

  private static BytePointer pointer(long address, long length) {
    return new RawPointer(address, length);
  }

  private void requireContiguous() {
    if (!isContiguous() && rows() > 1) {
      throw new IllegalStateException(this + " is not contiguous");
    }
  }

  private void requireSize(int length) {
    requireContiguous();
    if (length != size() || type != DType.F32) {
      throw new IllegalArgumentException("%d floats do not fit %s".formatted(length, this));
    }
  }

  /** A JavaCPP pointer at a given address that frees nothing. */
  private static final class RawPointer extends BytePointer {
    RawPointer(long address, long capacity) {
      super((Pointer) null);
      this.address = address;
      this.capacity = capacity;
      this.limit = capacity;
    }
  }
}
