package org.sparktune.trainer.engine.cuda.runtime;

import org.bytedeco.cuda.cudart.CUDA_MEMCPY2D_v2;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.PointerPointer;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/**
 * Copies between host and device through two halves of a pinned buffer: while one half travels, the
 * other is filled or emptied. A copy to the device returns when the host memory may be written
 * again, not when the values have arrived.
 */
public final class Staging implements AutoCloseable {
  private static final long HALF = 32L << 20;

  private final Device device;
  private final long buffer;
  private final Address host = new Address();
  private final CUevent_st[] travelled = {new CUevent_st(), new CUevent_st()};
  private final CUDA_MEMCPY2D_v2 shape = new CUDA_MEMCPY2D_v2();
  private int next;

  /** Takes the pinned memory. */
  public Staging(Device device) {
    this.device = device;
    try (PointerPointer<?> pointer = new PointerPointer<>(1)) {
      Cuda.check(cudart.cuMemHostAlloc(pointer, 2 * HALF, 0), "cuMemHostAlloc");
      buffer = pointer.get(0).address();
    }
    for (CUevent_st event : travelled) {
      Cuda.check(cudart.cuEventCreate(event, cudart.CU_EVENT_DISABLE_TIMING), "cuEventCreate");
      Cuda.check(cudart.cuEventRecord(event, device.stream()), "cuEventRecord");
    }
  }

  /** The free half's address, after what travelled from it last has arrived. */
  private long take() {
    next = 1 - next;
    Cuda.check(cudart.cuEventSynchronize(travelled[next]), "a copy");
    return buffer + next * HALF;
  }

  private void sent() {
    Cuda.check(cudart.cuEventRecord(travelled[next], device.stream()), "cuEventRecord");
  }

  /** Copies integers to the device. */
  public void upload(int[] values, long to) {
    int step = (int) (HALF / Integer.BYTES);
    for (int from = 0; from < values.length; from += step) {
      int count = Math.min(step, values.length - from);
      long half = take();
      for (int i = 0; i < count; i++) {
        Memory.putInt(half + (long) i * Integer.BYTES, values[from + i]);
      }
      send(half, to + (long) from * Integer.BYTES, (long) count * Integer.BYTES);
    }
  }

  /** Copies longs to the device. */
  public void upload(long[] values, long to) {
    if ((long) values.length * Long.BYTES > HALF) {
      throw new IllegalArgumentException(values.length + " longs do not fit the staging buffer");
    }
    long half = take();
    for (int i = 0; i < values.length; i++) {
      Memory.putLong(half + (long) i * Long.BYTES, values[i]);
    }
    send(half, to, (long) values.length * Long.BYTES);
  }

  private void send(long half, long to, long bytes) {
    Cuda.check(
        cudart.cuMemcpyHtoDAsync(to, host.at(half), bytes, device.stream()), "cuMemcpyHtoDAsync");
    sent();
  }

  /** Copies a host tensor to a device tensor of the same type and shape. */
  public void upload(Tensor from, Tensor to) {
    if (isFlat(from) && isFlat(to)) {
      long bytes = from.size() * from.type().bytes();
      for (long done = 0; done < bytes; done += HALF) {
        long count = Math.min(HALF, bytes - done);
        long half = take();
        Memory.copy(from.address() + done, half, count);
        send(half, to.deviceAddress() + done, count);
      }
      return;
    }
    long width = from.columns() * from.type().bytes();
    long pitch = to.rowStride() * to.type().bytes();
    long step = rowsOfHalf(width);
    for (long row = 0; row < from.rows(); row += step) {
      long count = Math.min(step, from.rows() - row);
      long half = take();
      long target = to.deviceAddress() + row * pitch;
      gather(from, row, count, width, half);
      if (pitch == width) {
        send(half, target, count * width);
      } else {
        shape
            .srcMemoryType(cudart.CU_MEMORYTYPE_HOST)
            .srcHost(host.at(half))
            .srcPitch(width)
            .dstMemoryType(cudart.CU_MEMORYTYPE_DEVICE)
            .dstDevice(target)
            .dstPitch(pitch);
        copyRows(width, count);
        sent();
      }
    }
  }

  private static void gather(Tensor from, long row, long count, long width, long half) {
    if (from.isContiguous()) {
      Memory.copy(from.rowAddress(row), half, count * width);
      return;
    }
    for (long i = 0; i < count; i++) {
      Memory.copy(from.rowAddress(row + i), half + i * width, width);
    }
  }

  /**
   * Copies a device tensor to a host tensor of the same type and shape; returns when it is there.
   */
  public void download(Tensor from, Tensor to) {
    if (isFlat(from) && isFlat(to)) {
      long bytes = from.size() * from.type().bytes();
      for (long done = 0; done < bytes; done += HALF) {
        long count = Math.min(HALF, bytes - done);
        long half = take();
        receive(from.deviceAddress() + done, half, count);
        device.synchronize();
        Memory.copy(half, to.address() + done, count);
      }
      return;
    }
    long width = from.columns() * from.type().bytes();
    long pitch = from.rowStride() * from.type().bytes();
    long step = rowsOfHalf(width);
    for (long row = 0; row < from.rows(); row += step) {
      long count = Math.min(step, from.rows() - row);
      long half = take();
      long source = from.deviceAddress() + row * pitch;
      if (pitch == width) {
        receive(source, half, count * width);
      } else {
        shape
            .srcMemoryType(cudart.CU_MEMORYTYPE_DEVICE)
            .srcDevice(source)
            .srcPitch(pitch)
            .dstMemoryType(cudart.CU_MEMORYTYPE_HOST)
            .dstHost(host.at(half))
            .dstPitch(width);
        copyRows(width, count);
      }
      device.synchronize();
      for (long i = 0; i < count; i++) {
        Memory.copy(half + i * width, to.rowAddress(row + i), width);
      }
    }
  }

  private void receive(long from, long half, long bytes) {
    Cuda.check(
        cudart.cuMemcpyDtoHAsync(host.at(half), from, bytes, device.stream()), "cuMemcpyDtoHAsync");
  }

  private static boolean isFlat(Tensor tensor) {
    return tensor.isContiguous() || tensor.rows() == 1;
  }

  private static long rowsOfHalf(long width) {
    if (width > HALF) {
      throw new IllegalArgumentException(
          "rows of %,d bytes do not fit the staging buffer".formatted(width));
    }
    return Math.max(1, HALF / Math.max(1, width));
  }

  /** Copies between two device tensors of the same type and shape. */
  public void copy(Tensor from, Tensor to) {
    long width = from.columns() * from.type().bytes();
    long fromPitch = from.rowStride() * from.type().bytes();
    long toPitch = to.rowStride() * to.type().bytes();
    if (isFlat(from) && isFlat(to)) {
      Cuda.check(
          cudart.cuMemcpyDtoDAsync(
              to.deviceAddress(), from.deviceAddress(), from.rows() * width, device.stream()),
          "cuMemcpyDtoDAsync");
      return;
    }
    shape
        .srcMemoryType(cudart.CU_MEMORYTYPE_DEVICE)
        .srcDevice(from.deviceAddress())
        .srcPitch(fromPitch)
        .dstMemoryType(cudart.CU_MEMORYTYPE_DEVICE)
        .dstDevice(to.deviceAddress())
        .dstPitch(toPitch);
    copyRows(width, from.rows());
  }

  private void copyRows(long width, long count) {
    shape.WidthInBytes(width).Height(count);
    Cuda.check(cudart.cuMemcpy2DAsync(shape, device.stream()), "cuMemcpy2DAsync");
  }

  @Override
  public void close() {
    device.synchronize();
    cudart.cuMemFreeHost(host.at(buffer));
  }
}
