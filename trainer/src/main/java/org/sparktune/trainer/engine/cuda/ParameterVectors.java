package org.sparktune.trainer.engine.cuda;

import java.util.IdentityHashMap;
import java.util.List;
import org.sparktune.trainer.collective.ExactSum;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.collective.Slices.Range;
import org.sparktune.trainer.engine.VectorOperators.AdamWStep;
import org.sparktune.trainer.engine.VectorOperators.Stretch;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceScratch;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.engine.cuda.runtime.Staging;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/** AdamW and exact sums of squares over flat vectors: see {@code optimizer.cu}. */
final class ParameterVectors implements AutoCloseable {
  private static final String FILE = "optimizer.cu";
  private static final int THREADS = 256;
  private static final int BLOCK_ELEMENTS = 8192;
  private static final int RUNS_OF_BLOCK = THREADS / 32;
  private static final int BLOCKS_PER_MULTIPROCESSOR = 8;

  /** Longs that say what a stretch is. */
  private static final int STRETCH_LONGS = 5;

  private static final int SUM_INTS = ExactSum.LENGTH * (Long.BYTES / Integer.BYTES);

  private final Device device;
  private final Staging staging;
  private final Kernel adamW;
  private final Kernel addSquares;
  private final DeviceScratch sums;
  private final Arena arena = new Arena("sums of squares");
  private final Tensor hostSum = arena.allocate(DType.I32, SUM_INTS);
  private final long[] digits = new long[ExactSum.LENGTH];

  /** An optimizer gives the same lists in every step. */
  private final IdentityHashMap<List<Stretch>, Table> tables = new IdentityHashMap<>();

  /** A list of stretches on the device. */
  private record Table(DeviceScratch memory, long address, int count, long blocks) {}

  ParameterVectors(Device device, KernelFinder kernels, Staging staging) {
    this.device = device;
    this.staging = staging;
    String[] definitions = {
      "-DBLOCK_ELEMENTS=" + BLOCK_ELEMENTS,
      "-DRUN=" + Slices.ALIGNMENT,
      "-DDIGITS=" + ExactSum.LENGTH
    };
    adamW = kernels.get(FILE, "adamw", definitions);
    addSquares = kernels.get(FILE, "add_squares", definitions);
    sums = new DeviceScratch(device, "an exact sum");
  }

  /** See {@link org.sparktune.trainer.engine.VectorOperators#addSquares}. */
  void addSquares(Tensor vector, Range range, ExactSum sum) {
    long runs = (range.size() + Slices.ALIGNMENT - 1) / Slices.ALIGNMENT;
    if (runs == 0) {
      return;
    }
    long address = sums.reserve((long) ExactSum.LENGTH * Long.BYTES);
    device.clear(address, (long) ExactSum.LENGTH * Long.BYTES);
    Tensor part = vector.view(range.from(), range.size());
    long blocks = (runs + RUNS_OF_BLOCK - 1) / RUNS_OF_BLOCK;
    addSquares
        .with(part)
        .with(range.size())
        .with(address)
        .with(part.deviceAddress() % 16 == 0)
        .launch(
            Math.min(blocks, (long) device.multiprocessors() * BLOCKS_PER_MULTIPROCESSOR), THREADS);
    staging.download(Tensor.onDevice(DType.I32, address, SUM_INTS, SUM_INTS), hostSum);
    for (int i = 0; i < digits.length; i++) {
      digits[i] = Memory.getLong(hostSum.address() + (long) i * Long.BYTES);
    }
    ExactSum added = new ExactSum();
    added.readFrom(digits, 0);
    sum.add(added);
  }

  /** See {@link org.sparktune.trainer.engine.VectorOperators#adamW}. */
  void adamW(
      AdamWStep step,
      List<Stretch> stretches,
      Tensor parameters,
      Tensor gradients,
      Tensor first,
      Tensor second) {
    Table table = tables.computeIfAbsent(stretches, this::upload);
    adamW
        .with(table.address())
        .with(table.count())
        .with(parameters)
        .with(gradients)
        .with(first)
        .with(second)
        .with(step.gradientScale())
        .with(step.decayFactor())
        .with(step.firstWeight())
        .with(step.secondDecay())
        .with(step.secondWeight())
        .with(step.rootCorrection())
        .with(step.epsilon())
        .with(step.negativeStep())
        .launch(table.blocks(), THREADS);
  }

  private Table upload(List<Stretch> stretches) {
    long[] entries = new long[STRETCH_LONGS * stretches.size()];
    long blocks = 0;
    int entry = 0;
    for (Stretch stretch : stretches) {
      entries[entry++] = blocks;
      entries[entry++] = stretch.from();
      entries[entry++] = stretch.stateFrom();
      entries[entry++] = stretch.size();
      entries[entry++] = stretch.decayed() ? 1 : 0;
      blocks += (stretch.size() + BLOCK_ELEMENTS - 1) / BLOCK_ELEMENTS;
    }
    DeviceScratch memory = new DeviceScratch(device, "the optimizer's stretches");
    long address = memory.reserve(Math.max(1, (long) entries.length * Long.BYTES));
    staging.upload(entries, address);
    return new Table(memory, address, stretches.size(), blocks);
  }

  @Override
  public void close() {
    tables.values().forEach(table -> table.memory().close());
    tables.clear();
    sums.close();
    arena.close();
  }
}
