package org.sparktune.trainer.engine.cuda.runtime;

import java.util.ArrayList;
import java.util.List;

/**
 * Copies of index arrays on the device. An array is known again by its identity, since its content
 * does not change once an operator was given it: what all blocks of a model ask for travels once.
 */
public final class DeviceIndexes implements AutoCloseable {
  private static final int KEPT = 8;

  private final Device device;
  private final Staging staging;

  /** The one used last comes last. */
  private final List<Copy> copies = new ArrayList<>();

  private static final class Copy {
    private final DeviceScratch memory;
    private int[] source;
    private long address;

    Copy(DeviceScratch memory) {
      this.memory = memory;
    }
  }

  /** Copies through a staging buffer. */
  public DeviceIndexes(Device device, Staging staging) {
    this.device = device;
    this.staging = staging;
  }

  /** The device's copy of an array; valid for work queued before {@value #KEPT} other arrays. */
  public long of(int[] indexes) {
    for (int i = copies.size() - 1; i >= 0; i--) {
      if (copies.get(i).source == indexes) {
        copies.add(copies.remove(i));
        return copies.get(copies.size() - 1).address;
      }
    }
    Copy copy =
        copies.size() < KEPT ? new Copy(new DeviceScratch(device, "indexes")) : copies.remove(0);
    copy.address = copy.memory.reserve((long) Math.max(1, indexes.length) * Integer.BYTES);
    copy.source = indexes;
    if (indexes.length > 0) {
      staging.upload(indexes, copy.address);
    }
    copies.add(copy);
    return copy.address;
  }

  @Override
  public void close() {
    copies.forEach(copy -> copy.memory.close());
    copies.clear();
  }
}
