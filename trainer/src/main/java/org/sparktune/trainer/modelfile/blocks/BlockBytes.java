package org.sparktune.trainer.modelfile.blocks;

import org.sparktune.trainer.memory.ElementConversion;
import org.sparktune.trainer.memory.Memory;

/** The values blocks are made of. */
final class BlockBytes {
  private BlockBytes() {}

  static int unsigned(long address) {
    return Memory.getByte(address) & 0xFF;
  }

  static int unsignedShort(long address) {
    return Memory.getShort(address) & 0xFFFF;
  }

  static float half(long address) {
    return ElementConversion.halfToFloat(Memory.getShort(address));
  }
}
