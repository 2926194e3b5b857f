package org.sparktune.trainer.memory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A row-major tensor in off-heap memory or in a device's. It does not own the memory: the {@link
 * TensorArena} or mapping it came from must outlive it. The last dimension is contiguous; a 2-D
 * tensor may be a block of columns of a wider one, in which case {@link #rowStride()} exceeds
 * {@link #columns()}.
 *
 * <p>Only the device's engine reaches a tensor in {@link Place#DEVICE}: what reads or writes
 * elements here throws {@link IllegalStateException} for one. Values pass between host and device
 * through {@link TensorMemory#copy}.
 */
public final class Tensor {

  /** Whose memory a tensor lies in. */
  public enum Place {
    /** The process's own, off the heap. */
    HOST,
    /** That of the engine that allocated the tensor. */
    DEVICE
  }

  private final Place place;
  private final DType type;
  private final long address;
  private final long[] shape;
  private final long rowStride;

  /**
   * Describes {@code shape} elements at a host {@code address}, rows {@code rowStride} elements
   * apart.
   */
  public Tensor(DType type, long address, long rowStride, long... shape) {
    this(Place.HOST, type, address, rowStride, shape);
  }

  private Tensor(Place place, DType type, long address, long rowStride, long... shape) {
    this.place = place;
    this.type = type;
    this.address = address;
    this.shape = shape.clone();
    this.rowStride = rowStride;
  }

  /** Describes a contiguous tensor at a host address. */
  public static Tensor at(DType type, long address, long... shape) {
    return new Tensor(type, address, shape[shape.length - 1], shape);
  }

  /**
   * Describes {@code shape} elements at an address of a device's memory, rows {@code rowStride}
   * elements apart.
   */
  public static Tensor onDevice(DType type, long address, long rowStride, long... shape) {
    return new Tensor(Place.DEVICE, type, address, rowStride, shape);
  }

  /** Whose memory it lies in. */
  public Place place() {
    return place;
  }

  /** The element type. */
  public DType type() {
    return type;
  }

  /**
   * The host address of the first element.
   *
   * @throws IllegalStateException for a tensor on a device
   */
  public long address() {
    requireHost();
    return address;
  }

  /**
   * The device address of the first element, for the device's engine.
   *
   * @throws IllegalStateException for a tensor in host memory
   */
  public long deviceAddress() {
    if (place != Place.DEVICE) {
      throw new IllegalStateException(this + " lies in host memory");
    }
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

  /**
   * The host address of a row's first element.
   *
   * @throws IllegalStateException for a tensor on a device
   */
  public long rowAddress(long row) {
    return address() + row * rowStride * type.bytes();
  }

  /**
   * Rows {@code from} (inclusive) to {@code to} (exclusive) as a 2-D tensor over the same memory.
   */
  public Tensor rows(long from, long to) {
    if (from < 0 || to < from || to > rows()) {
      throw new IndexOutOfBoundsException("rows %d to %d of %s".formatted(from, to, this));
    }
    long start = address + from * rowStride * type.bytes();
    return new Tensor(place, type, start, rowStride, to - from, columns());
  }

  /**
   * Columns {@code from} (inclusive) to {@code to} (exclusive) as a 2-D tensor over the same
   * memory.
   */
  public Tensor columns(long from, long to) {
    if (from < 0 || to < from || to > columns()) {
      throw new IndexOutOfBoundsException("columns %d to %d of %s".formatted(from, to, this));
    }
    long start = address + from * type.bytes();
    return new Tensor(place, type, start, rowStride, rows(), to - from);
  }

  /** Elements {@code offset} onward of a contiguous tensor, seen with another shape. */
  public Tensor view(long offset, long... newShape) {
    requireContiguous();
    long start = address + offset * type.bytes();
    Tensor view = new Tensor(place, type, start, newShape[newShape.length - 1], newShape);
    if (offset < 0 || offset + view.size() > size()) {
      throw new IndexOutOfBoundsException(
          "%s elements from %d of %s".formatted(Arrays.toString(newShape), offset, this));
    }
    return view;
  }

  /**
   * Part of an I8 tensor's memory as a contiguous tensor of any type: how a block is cut into
   * tensors.
   */
  public Tensor cut(long byteOffset, DType cutType, long... cutShape) {
    requireContiguous();
    long start = address + byteOffset;
    Tensor cut = new Tensor(place, cutType, start, cutShape[cutShape.length - 1], cutShape);
    if (type != DType.I8 || byteOffset < 0 || byteOffset + cut.byteSize() > byteSize()) {
      throw new IndexOutOfBoundsException("%s from byte %d of %s".formatted(cut, byteOffset, this));
    }
    return cut;
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
    return Memory.getFloat(address() + index * Float.BYTES);
  }

  /** Sets an F32 element of a contiguous tensor. */
  public void setFloat(long index, float value) {
    Memory.putFloat(address() + index * Float.BYTES, value);
  }

  /** An I32 element of a contiguous tensor. */
  public int getInt(long index) {
    return Memory.getInt(address() + index * Integer.BYTES);
  }

  /** Sets an I32 element of a contiguous tensor. */
  public void setInt(long index, int value) {
    Memory.putInt(address() + index * Integer.BYTES, value);
  }

  /** Copies heap floats into a contiguous F32 tensor of the same size. */
  public Tensor set(float[] values) {
    requireSize(values.length);
    Memory.copyFromHeap(values, address(), values.length);
    return this;
  }

  /** Copies a contiguous F32 tensor to the heap. */
  public float[] toFloatArray() {
    float[] values = new float[Math.toIntExact(size())];
    requireSize(values.length);
    Memory.copyToHeap(address(), values, values.length);
    return values;
  }

  /** Sets every byte of a contiguous tensor to zero. */
  public void zero() {
    Memory.fill(address(), byteSize(), (byte) 0);
  }

  /** Copies from a contiguous tensor of the same type and size. */
  public void copyFrom(Tensor source) {
    if (source.type != type || source.byteSize() != byteSize()) {
      throw new IllegalArgumentException("%s cannot be copied to %s".formatted(source, this));
    }
    Memory.copy(source.address(), address(), byteSize());
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
    return pointer(address() + byteOffset, length).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public String toString() {
    return type
        + Arrays.toString(shape)
        + (isContiguous() ? "" : " with row stride " + rowStride)
        + (place == Place.HOST ? "" : " on the device");
  }

  private static BytePointer pointer(long address, long length) {
    return new RawPointer(address, length);
  }

  private void requireHost() {
    if (place != Place.HOST) {
      throw new IllegalStateException(this + " cannot be reached from the host");
    }
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
