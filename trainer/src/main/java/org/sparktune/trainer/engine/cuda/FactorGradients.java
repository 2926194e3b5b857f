package org.sparktune.trainer.engine.cuda;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.sparktune.trainer.engine.LowRankGradient;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceScratch;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.Kernels;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * Gradients of the thin factors of a group of linear modules, in one pass over the gradient of the
 * group's output, where two products a module would each read it.
 */
final class FactorGradients implements AutoCloseable {
  private static final String FILE = "factor_gradients.cu";
  private static final Set<Integer> RANKS = Set.of(8, 16, 32, 64);
  private static final int MOST_MODULES = 4;
  private static final int COLUMNS = 256;
  private static final int ROWS = 128;
  private static final int THREADS = 256;
  private static final int PACK = 8;
  private static final int PACK_BYTES = 16;
  private static final int MOST_WAVES = 3;

  private final Device device;
  private final Kernels kernels;
  private final DeviceScratch reducedParts;
  private final DeviceScratch upParts;
  private final Map<Integer, OfRank> byRank = new TreeMap<>();

  private record OfRank(Kernel gradients, Kernel add) {}

  FactorGradients(Device device, Kernels kernels) {
    this.device = device;
    this.kernels = kernels;
    reducedParts = new DeviceScratch(device, "parts of gradients of factors' inputs");
    upParts = new DeviceScratch(device, "parts of factors' gradients");
  }

  /** Whether {@link #add} can be used: ranks, places and types are as usual. */
  boolean canAdd(Tensor dy, List<LowRankGradient> gradients) {
    if (dy.type() != DType.BF16 || gradients.size() > MOST_MODULES || !isPacked(dy)) {
      return false;
    }
    LowRankGradient first = gradients.get(0);
    int rank = Math.toIntExact(first.factor().up().columns());
    if (!RANKS.contains(rank) || sharedBytes(rank) > device.maximumSharedBytes()) {
      return false;
    }
    for (int i = 0; i < gradients.size(); i++) {
      LowRankGradient gradient = gradients.get(i);
      Tensor up = gradient.factor().up();
      boolean usual =
          up.columns() == rank
              && up.rows() % PACK == 0
              && gradient.factor().firstColumn() % PACK == 0
              && up.rowStride() == gradient.dUp().rowStride()
              && follows(first.factor().reduced(), gradient.factor().reduced(), (long) i * rank)
              && follows(first.dReduced(), gradient.dReduced(), (long) i * rank);
      if (!usual) {
        return false;
      }
    }
    return isPacked(first.factor().reduced());
  }

  private static boolean isPacked(Tensor tensor) {
    return tensor.rowStride() % PACK == 0 && tensor.deviceAddress() % PACK_BYTES == 0;
  }

  /** Whether a tensor is a later block of columns of the one that another begins. */
  private static boolean follows(Tensor first, Tensor later, long columns) {
    return later.type() == DType.BF16
        && later.rowStride() == first.rowStride()
        && later.deviceAddress() == first.deviceAddress() + columns * DType.BF16.bytes();
  }

  private static int sharedBytes(int rank) {
    int stage = ROWS * (COLUMNS + PACK + rank + PACK);
    return DType.BF16.bytes() * (2 * stage + COLUMNS * (rank + PACK));
  }

  /** See {@link org.sparktune.trainer.engine.Engine#lowRankGradients}. */
  void add(Tensor dy, List<LowRankGradient> gradients) {
    LowRankGradient first = gradients.get(0);
    int rank = Math.toIntExact(first.factor().up().columns());
    int rows = Math.toIntExact(dy.rows());
    int chunks = 0;
    int allColumns = 0;
    for (LowRankGradient gradient : gradients) {
      int columns = Math.toIntExact(gradient.factor().up().rows());
      chunks += (columns + COLUMNS - 1) / COLUMNS;
      allColumns += columns;
    }
    int rowsOfBlock = rowsOfBlock(rows, chunks);
    int rowChunks = (rows + rowsOfBlock - 1) / rowsOfBlock;
    long ofReduced = reducedParts.reserve((long) chunks * rows * rank * Float.BYTES);
    long ofUps = upParts.reserve((long) rowChunks * allColumns * rank * Float.BYTES);
    OfRank own = byRank.computeIfAbsent(rank, this::load);
    Tensor reduced = first.factor().reduced();
    Kernel kernel =
        own.gradients()
            .withRows(dy)
            .withRows(reduced)
            .with(rows)
            .with(rowsOfBlock)
            .with(ofReduced)
            .with(ofUps)
            .with(allColumns);
    withModules(kernel, gradients);
    kernel.launch(chunks, rowChunks, 1, THREADS, sharedBytes(rank));
    long pairs = (long) gradients.size() * rows * rank / 2;
    long blocksForReduced = (pairs + THREADS - 1) / THREADS;
    long blocksForUps = ((long) allColumns * rank + THREADS - 1) / THREADS;
    Kernel sums =
        own.add()
            .with(ofReduced)
            .with(ofUps)
            .with(rows)
            .with(rowChunks)
            .with(allColumns)
            .with(gradients.size())
            .withRows(first.dReduced())
            .with(Math.toIntExact(blocksForReduced));
    withModules(sums, gradients);
    sums.launch(blocksForReduced + blocksForUps, THREADS);
  }

  private OfRank load(int rank) {
    String definition = "-DRANK=" + rank;
    return new OfRank(
        kernels.get(FILE, "factor_gradients", definition),
        kernels.get(FILE, "add_factor_gradients", definition));
  }

  private static void withModules(Kernel kernel, List<LowRankGradient> gradients) {
    for (int i = 0; i < MOST_MODULES; i++) {
      if (i < gradients.size()) {
        LowRankGradient gradient = gradients.get(i);
        Tensor up = gradient.factor().up();
        kernel
            .with(up)
            .with(gradient.dUp())
            .with(up.rowStride())
            .with(gradient.factor().firstColumn())
            .with(Math.toIntExact(up.rows()))
            .with(gradient.factor().scale());
      } else {
        kernel.with(0L).with(0L).with(0L).with(0).with(0).with(0f);
      }
    }
  }

  /** Rows of a block such that the last wave of blocks is nearly full, whole stages. */
  private int rowsOfBlock(int rows, int chunks) {
    int stages = (rows + ROWS - 1) / ROWS;
    int best = stages;
    double bestFill = 0;
    for (int waves = 1; waves <= MOST_WAVES; waves++) {
      int rowChunks = Math.max(1, waves * device.multiprocessors() / chunks);
      int stagesOfBlock = (stages + rowChunks - 1) / rowChunks;
      long blocks = (long) chunks * ((stages + stagesOfBlock - 1) / stagesOfBlock);
      long taken = (blocks + device.multiprocessors() - 1) / device.multiprocessors();
      double fill = (double) chunks * stages / (taken * device.multiprocessors() * stagesOfBlock);
      if (fill > bestFill) {
        bestFill = fill;
        best = stagesOfBlock;
      }
    }
    return best * ROWS;
  }

  @Override
  public void close() {
    reducedParts.close();
    upParts.close();
  }
}
