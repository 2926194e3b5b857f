package org.sparktune.trainer.engine.cuda;

import java.util.EnumMap;
import java.util.Map;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceIndexes;
import org.sparktune.trainer.engine.cuda.runtime.DeviceScratch;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.engine.cuda.runtime.Staging;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/** Rows chosen by index, and the greatest element of rows: see {@code rows.cu}. */
final class ChosenRows implements AutoCloseable {
  private static final String FILE = "rows.cu";
  private static final int THREADS = 128;
  private static final int ROW_THREADS = 1024;

  private final DeviceIndexes indexes;
  private final Staging staging;
  private final DeviceScratch results;

  /** By the type of the rows; those of the chosen are F32 and BF16. */
  private final Map<DType, TypedKernel> gather = new EnumMap<>(DType.class);

  private final TypedKernel scatter;
  private final TypedKernel addRows;
  private final Kernel greatestColumns;

  /** For every row of a table how often it was chosen, then where its next one goes; else zero. */
  private int[] places = {};

  ChosenRows(Device device, KernelFinder kernels, DeviceIndexes indexes, Staging staging) {
    this.indexes = indexes;
    this.staging = staging;
    results = new DeviceScratch(device, "the greatest columns");
    gather.put(DType.F32, TypedKernel.of(kernels, FILE, "gather_f32"));
    gather.put(DType.BF16, TypedKernel.of(kernels, FILE, "gather_bf16"));
    gather.put(DType.F16, TypedKernel.of(kernels, FILE, "gather_f16"));
    scatter = TypedKernel.of(kernels, FILE, "scatter");
    addRows = TypedKernel.of(kernels, FILE, "add_rows");
    greatestColumns = kernels.get(FILE, "greatest_columns");
  }

  /**
   * out[n] = x[rows[n]].
   *
   * @param x {@code (V, C)} F32, BF16 or F16
   * @param out {@code (N, C)} F32 or BF16
   */
  void gather(Tensor x, int[] rows, Tensor out) {
    Packs packs = Packs.of(rows.length, out.columns(), out, x);
    boolean wide = packs.wide() && x.type() == out.type();
    gather
        .get(x.type())
        .of(out.type())
        .withRows(x)
        .with(indexes.of(rows))
        .withRows(out)
        .with(packs.rows())
        .with(packs.columns())
        .with(wide)
        .launch((wide ? packs : packs.single()).blocks(), Packs.THREADS);
  }

  /**
   * out[rows[n]] = x[n]; other rows stay as they are.
   *
   * @param x {@code (N, C)}
   * @param out {@code (V, C)} of the same type
   */
  void scatter(Tensor x, int[] rows, Tensor out) {
    Packs packs = Packs.of(rows.length, x.columns(), x, out);
    scatter
        .of(Packs.type(x, out))
        .withRows(x)
        .with(indexes.of(rows))
        .withRows(out)
        .with(packs.rows())
        .with(packs.columns())
        .with(packs.wide())
        .launch(packs.blocks(), Packs.THREADS);
  }

  /** See {@link org.sparktune.trainer.engine.Engine#embedGradient}. */
  void addRows(Tensor x, int[] rows, Tensor table) {
    int count = rows.length;
    if (places.length < table.rows()) {
      places = new int[Math.toIntExact(table.rows())];
    }
    // The rows of the table that occur, in the order in which they do; where theirs begin in the
    // order of the rows of x; that order.
    int[] distinct = new int[count];
    int groups = 0;
    for (int row : rows) {
      if (places[row]++ == 0) {
        distinct[groups++] = row;
      }
    }
    int[] plan = new int[2 * groups + 1 + count];
    System.arraycopy(distinct, 0, plan, 0, groups);
    int begin = 0;
    for (int group = 0; group < groups; group++) {
      plan[groups + group] = begin;
      int size = places[distinct[group]];
      places[distinct[group]] = begin;
      begin += size;
    }
    plan[2 * groups] = count;
    for (int n = 0; n < count; n++) {
      plan[2 * groups + 1 + places[rows[n]]++] = n;
    }
    for (int group = 0; group < groups; group++) {
      places[distinct[group]] = 0;
    }
    long address = indexes.of(plan);
    addRows
        .of(x.type())
        .withRows(x)
        .with(address)
        .with(address + (long) groups * Integer.BYTES)
        .with(address + (2L * groups + 1) * Integer.BYTES)
        .withRows(table)
        .with(Math.toIntExact(x.columns()))
        .launch(groups, (x.columns() + THREADS - 1) / THREADS, 1, THREADS, 0);
  }

  /** See {@link org.sparktune.trainer.engine.Engine#greatestColumns}; waits for the result. */
  int[] greatestColumns(Tensor x) {
    int[] greatest = new int[Math.toIntExact(x.rows())];
    if (greatest.length == 0) {
      return greatest;
    }
    long address = results.reserve((long) greatest.length * Integer.BYTES);
    greatestColumns
        .withRows(x)
        .with(Math.toIntExact(x.columns()))
        .with(address)
        .launch(greatest.length, ROW_THREADS);
    try (Arena arena = new Arena("the greatest columns")) {
      Tensor host = arena.allocate(DType.I32, greatest.length);
      staging.download(Tensor.onDevice(DType.I32, address, greatest.length, greatest.length), host);
      for (int row = 0; row < greatest.length; row++) {
        greatest[row] = host.getInt(row);
      }
    }
    return greatest;
  }

  @Override
  public void close() {
    results.close();
  }
}
