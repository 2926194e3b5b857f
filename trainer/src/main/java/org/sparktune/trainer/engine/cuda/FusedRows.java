package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.memory.Tensor;

/**
 * How rows of logits stay on a multiprocessor between two looks at them: see {@code
 * vocabulary_fused.cu}. Four, two or one share it, the most that fit; each has that part of its
 * threads, registers and shared memory.
 */
final class FusedRows {
  private static final String FILE = "vocabulary_fused.cu";
  private static final int[] BLOCKS = {4, 2, 1};
  private static final int ALL_THREADS = 1024;
  private static final int HELD = 6;
  private static final int MOST_SHARED = 14;
  private static final int PACK_BYTES = 16;

  /** Shared memory of a block that is not for packs. */
  private static final int RESERVED_BYTES = 2048;

  private final Device device;
  private final TypedKernel[] kernels = new TypedKernel[BLOCKS.length];

  /**
   * A launch.
   *
   * @param kernel for its number of threads
   * @param threads of a block
   * @param sharedPacks packs that each thread holds in shared memory
   */
  record Plan(TypedKernel kernel, int threads, int sharedPacks) {
    int sharedBytes() {
      return sharedPacks * threads * PACK_BYTES;
    }
  }

  FusedRows(Device device, KernelFinder finder) {
    this.device = device;
    for (int i = 0; i < BLOCKS.length; i++) {
      String[] definitions = {
        "-DTHREADS=" + threads(i),
        "-DBLOCKS=" + BLOCKS[i],
        "-DHELD=" + HELD,
        "-DMOST_SHARED=" + MOST_SHARED
      };
      kernels[i] =
          new TypedKernel(
              finder.get(FILE, "score_and_differentiate_f32", definitions),
              finder.get(FILE, "score_and_differentiate_bf16", definitions));
    }
  }

  /** The launch for rows of some logits. */
  Plan plan(Tensor logits) {
    long bytes = logits.columns() * logits.type().bytes();
    int index = 0;
    while (index < BLOCKS.length - 1 && packsBeyondRegisters(index, bytes) > room(index)) {
      index++;
    }
    long sharedPacks = Math.min(packsBeyondRegisters(index, bytes), room(index));
    return new Plan(kernels[index], threads(index), (int) sharedPacks);
  }

  private static int threads(int index) {
    return ALL_THREADS / BLOCKS[index];
  }

  /** Packs of each thread for which it has no registers. */
  private static long packsBeyondRegisters(int index, long bytes) {
    long layer = (long) threads(index) * PACK_BYTES;
    return Math.max(0, (bytes + layer - 1) / layer - HELD);
  }

  /** Packs of each thread for which there is shared memory. */
  private long room(int index) {
    long bytes = (long) device.maximumSharedBytes() / BLOCKS[index] - RESERVED_BYTES;
    return Math.min(MOST_SHARED, bytes / ((long) threads(index) * PACK_BYTES));
  }
}
