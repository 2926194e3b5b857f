package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceScratch;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.engine.cuda.runtime.Staging;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/** Columns drawn from the softmax of rows: see {@code draw.cu}. */
final class DrawnColumns implements AutoCloseable {
  private static final int ROW_THREADS = 1024;

  private final Staging staging;
  private final DeviceScratch memory;
  private final Kernel drawColumns;

  DrawnColumns(Device device, KernelFinder kernels, Staging staging) {
    this.staging = staging;
    memory = new DeviceScratch(device, "drawn columns");
    drawColumns = kernels.get("draw.cu", "draw_columns");
  }

  /** See {@link org.sparktune.trainer.engine.TokenChoice#drawColumns}; waits for the result. */
  int[] draw(Tensor logits, double temperature, double[] numbers) {
    int[] drawn = new int[numbers.length];
    if (drawn.length == 0) {
      return drawn;
    }
    long[] bits = new long[numbers.length];
    for (int row = 0; row < bits.length; row++) {
      bits[row] = Double.doubleToRawLongBits(numbers[row]);
    }
    long sent = memory.reserve((long) drawn.length * (Long.BYTES + Integer.BYTES));
    long results = sent + (long) drawn.length * Long.BYTES;
    staging.upload(bits, sent);
    drawColumns
        .withRows(logits)
        .with(Math.toIntExact(logits.columns()))
        .with((float) (1 / temperature))
        .with(sent)
        .with(results)
        .launch(drawn.length, ROW_THREADS);
    try (Arena arena = new Arena("drawn columns")) {
      Tensor host = arena.allocate(DType.I32, drawn.length);
      staging.download(Tensor.onDevice(DType.I32, results, drawn.length, drawn.length), host);
      for (int row = 0; row < drawn.length; row++) {
        drawn[row] = host.getInt(row);
      }
    }
    return drawn;
  }

  @Override
  public void close() {
    memory.close();
  }
}
