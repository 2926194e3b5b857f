package org.sparktune.trainer.memory;

import java.lang.reflect.Field;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import sun.misc.Unsafe;

/**
 * Raw off-heap access by address, for kernels. Nothing is checked: callers hold a {@link Tensor}
 * whose bounds they have checked. Java 17's public alternatives are an incubating API or buffers
 * limited to 2 GiB.
 */
public final class Memory {
  private static final Unsafe UNSAFE = unsafe();
  private static final AtomicLong HELD = new AtomicLong();
  private static final long FLOAT_BASE = Unsafe.ARRAY_FLOAT_BASE_OFFSET;
  private static final long BYTE_BASE = Unsafe.ARRAY_BYTE_BASE_OFFSET;
  private static final long BUFFER_ADDRESS = offset("address");
  private static final long BUFFER_CAPACITY = offset("capacity");
  private static final long BUFFER_LIMIT = offset("limit");

  private Memory() {}

  /**
   * A little-endian direct buffer that can be {@linkplain #place placed} anywhere. Java 17's Vector
   * API reads off-heap memory through buffers only, and making one for every row would cost more
   * than the row.
   */
  public static ByteBuffer window() {
    ByteBuffer window = ByteBuffer.allocateDirect(0).order(ByteOrder.LITTLE_ENDIAN);
    UNSAFE.putInt(window, BUFFER_CAPACITY, Integer.MAX_VALUE);
    UNSAFE.putInt(window, BUFFER_LIMIT, Integer.MAX_VALUE);
    return window;
  }

  /** Lets a {@linkplain #window window} start at an address; returns it. */
  public static ByteBuffer place(ByteBuffer window, long address) {
    UNSAFE.putLong(window, BUFFER_ADDRESS, address);
    return window;
  }

  /** Allocates bytes; {@link #free} releases them. */
  static long allocate(long bytes) {
    long address = UNSAFE.allocateMemory(bytes);
    HELD.addAndGet(bytes);
    return address;
  }

  /** Releases what {@link #allocate} returned for so many bytes. */
  static void free(long address, long bytes) {
    UNSAFE.freeMemory(address);
    HELD.addAndGet(-bytes);
  }

  /** Bytes that all arenas and scratches of this process hold off the heap. */
  public static long heldBytes() {
    return HELD.get();
  }

  /** The address of a direct buffer's first byte. */
  static long address(ByteBuffer buffer) {
    return UNSAFE.getLong(buffer, BUFFER_ADDRESS);
  }

  /** Unmaps a mapped buffer at once instead of at some garbage collection. */
  static void unmap(ByteBuffer buffer) {
    UNSAFE.invokeCleaner(buffer);
  }

  /** Sets bytes. */
  public static void fill(long address, long bytes, byte value) {
    UNSAFE.setMemory(address, bytes, value);
  }

  /** Copies bytes; the ranges may overlap. */
  public static void copy(long from, long to, long bytes) {
    UNSAFE.copyMemory(from, to, bytes);
  }

  /** Copies floats from the heap. */
  public static void copyFromHeap(float[] from, long to, int count) {
    UNSAFE.copyMemory(from, FLOAT_BASE, null, to, (long) count * Float.BYTES);
  }

  /** Copies floats to the heap. */
  public static void copyToHeap(long from, float[] to, int count) {
    UNSAFE.copyMemory(null, from, to, FLOAT_BASE, (long) count * Float.BYTES);
  }

  /** Copies bytes from the heap. */
  public static void copyFromHeap(byte[] from, int offset, long to, int count) {
    Objects.checkFromIndexSize(offset, count, from.length);
    UNSAFE.copyMemory(from, BYTE_BASE + offset, null, to, count);
  }

  /** Copies bytes to the heap. */
  public static void copyToHeap(long from, byte[] to, int offset, int count) {
    Objects.checkFromIndexSize(offset, count, to.length);
    UNSAFE.copyMemory(null, from, to, BYTE_BASE + offset, count);
  }

  /** Reads a float. */
  public static float getFloat(long address) {
    return UNSAFE.getFloat(address);
  }

  /** Writes a float. */
  public static void putFloat(long address, float value) {
    UNSAFE.putFloat(address, value);
  }

  /** Reads a double. */
  public static double getDouble(long address) {
    return UNSAFE.getDouble(address);
  }

  /** Reads a long. */
  public static long getLong(long address) {
    return UNSAFE.getLong(address);
  }

  /** Writes a long. */
  public static void putLong(long address, long value) {
    UNSAFE.putLong(address, value);
  }

  /** Reads an int. */
  public static int getInt(long address) {
    return UNSAFE.getInt(address);
  }

  /** Writes an int. */
  public static void putInt(long address, int value) {
    UNSAFE.putInt(address, value);
  }

  /** Reads a short. */
  public static short getShort(long address) {
    return UNSAFE.getShort(address);
  }

  /** Writes a short. */
  public static void putShort(long address, short value) {
    UNSAFE.putShort(address, value);
  }

  /** Reads a byte. */
  public static byte getByte(long address) {
    return UNSAFE.getByte(address);
  }

  /** Writes a byte. */
  public static void putByte(long address, byte value) {
    UNSAFE.putByte(address, value);
  }

  private static long offset(String field) {
    try {
      return UNSAFE.objectFieldOffset(Buffer.class.getDeclaredField(field));
    } catch (NoSuchFieldException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private static Unsafe unsafe() {
    try {
      Field field = Unsafe.class.getDeclaredField("theUnsafe");
      field.setAccessible(true);
      return (Unsafe) field.get(null);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }
}
