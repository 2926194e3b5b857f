package org.sparktune.trainer.engine.cuda.runtime;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * Owns device memory; everything allocated from it is released together, after the work that was
 * queued with it. All arenas share the driver's pool, so what one gives back another takes.
 */
public final class DeviceArena implements TensorArena {
  private final Device device;
  private final String name;
  private final List<Long> blocks = new ArrayList<>();
  private long allocatedBytes;
  private boolean closed;

  /**
   * @param name what the memory is for, used in messages
   */
  public DeviceArena(Device device, String name) {
    this.device = device;
    this.name = name;
  }

  @Override
  public Tensor allocate(DType type, long... shape) {
    Tensor tensor = allocateUncleared(type, shape);
    device.clear(tensor.deviceAddress(), tensor.byteSize());
    return tensor;
  }

  /** As {@link #allocate}, with whatever the memory holds. */
  public Tensor allocateUncleared(DType type, long... shape) {
    if (closed) {
      throw new IllegalStateException("The arena " + name + " is closed");
    }
    long bytes = type.bytes();
    for (long dimension : shape) {
      bytes = Math.multiplyExact(bytes, dimension);
    }
    long address = device.allocate(bytes, name);
    blocks.add(address);
    allocatedBytes += bytes;
    return Tensor.onDevice(type, address, shape[shape.length - 1], shape);
  }

  @Override
  public long allocatedBytes() {
    return allocatedBytes;
  }

  @Override
  public void close() {
    closed = true;
    blocks.forEach(device::free);
    blocks.clear();
    allocatedBytes = 0;
  }
}
