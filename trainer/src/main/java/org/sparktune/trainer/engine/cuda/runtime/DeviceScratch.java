package org.sparktune.trainer.engine.cuda.runtime;

/**
 * A block of device memory that grows to the largest size asked for and is used again and again, in
 * the order of the stream.
 */
public final class DeviceScratch implements AutoCloseable {
  private final Device device;
  private final String name;
  private long address;
  private long capacity;

  /**
   * @param name what the memory is for, used in messages
   */
  public DeviceScratch(Device device, String name) {
    this.device = device;
    this.name = name;
  }

  /** The address of at least so many bytes; valid until the next call. */
  public long reserve(long bytes) {
    if (bytes > capacity) {
      close();
      address = device.allocate(bytes, name);
      capacity = bytes;
    }
    return address;
  }

  @Override
  public void close() {
    if (capacity > 0) {
      device.free(address);
      capacity = 0;
    }
  }
}
