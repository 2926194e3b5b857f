package org.sparktune.trainer.engine.cuda.runtime;

import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/**
 * A function on the GPU. Its arguments are given one by one in the order of its parameters, then it
 * is launched; the driver has copied them when the launch returns, so a launch makes no objects.
 */
public final class Kernel {
  private static final int MOST_ARGUMENTS = 40;
  private static final long SLOT = Long.BYTES;
  private static final int PLAIN_SHARED_BYTES = 48 << 10;

  private final Device device;
  private final CUfunc_st function;
  private final String name;
  private final Pointer values = new org.bytedeco.javacpp.LongPointer(MOST_ARGUMENTS);
  private final PointerPointer<Pointer> slots = new PointerPointer<>(MOST_ARGUMENTS);
  private final Address elsewhere = new Address();
  private int count;
  private int allowedSharedBytes = PLAIN_SHARED_BYTES;

  Kernel(Device device, CUfunc_st function, String name) {
    this.device = device;
    this.function = function;
    this.name = name;
    Address slot = new Address();
    for (int i = 0; i < MOST_ARGUMENTS; i++) {
      slots.put(i, slot.at(values.address() + i * SLOT));
    }
  }

  /** A pointer, or any number of 64 bits. */
  public Kernel with(long value) {
    Memory.putLong(values.address() + count++ * SLOT, value);
    return this;
  }

  /** An {@code int}. */
  public Kernel with(int value) {
    Memory.putInt(values.address() + count++ * SLOT, value);
    return this;
  }

  /** A {@code float}. */
  public Kernel with(float value) {
    Memory.putFloat(values.address() + count++ * SLOT, value);
    return this;
  }

  /** A flag, as an {@code int}. */
  public Kernel with(boolean value) {
    return with(value ? 1 : 0);
  }

  /** A map of a tensor, by value: a parameter {@code const __grid_constant__} of 128 bytes. */
  public Kernel with(TensorMap map) {
    slots.put(count++, elsewhere.at(map.address()));
    return this;
  }

  /** A tensor's address, or null. */
  public Kernel with(Tensor tensor) {
    return with(tensor == null ? 0L : tensor.deviceAddress());
  }

  /** A tensor's address and its row stride in elements, a 64-bit number. */
  public Kernel withRows(Tensor tensor) {
    return with(tensor).with(tensor.rowStride());
  }

  /** Queues a launch over a line of blocks. */
  public void launch(long blocks, int threads) {
    launch(blocks, 1, 1, threads, 0);
  }

  /**
   * Queues a launch; nothing when the grid is empty.
   *
   * @param threads of a block
   * @param sharedBytes dynamic shared memory of a block
   */
  public void launch(long blocksX, long blocksY, long blocksZ, int threads, int sharedBytes) {
    count = 0;
    if (blocksX == 0 || blocksY == 0 || blocksZ == 0) {
      return;
    }
    if (sharedBytes > allowedSharedBytes) {
      if (sharedBytes > device.maximumSharedBytes()) {
        throw new IllegalArgumentException(
            "%s needs %d bytes of shared memory, the GPU has %d"
                .formatted(name, sharedBytes, device.maximumSharedBytes()));
      }
      Cuda.check(
          cudart.cuFuncSetAttribute(
              function, cudart.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, sharedBytes),
          "cuFuncSetAttribute");
      allowedSharedBytes = sharedBytes;
    }
    Cuda.check(
        cudart.cuLaunchKernel(
            function,
            Math.toIntExact(blocksX),
            Math.toIntExact(blocksY),
            Math.toIntExact(blocksZ),
            threads,
            1,
            1,
            sharedBytes,
            device.stream(),
            slots,
            (PointerPointer<?>) null),
        name);
  }
}
