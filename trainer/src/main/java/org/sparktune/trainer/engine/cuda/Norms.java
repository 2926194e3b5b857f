package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/** Root-mean-square norms and their gradients: see {@code norm.cu}. */
final class Norms {
  private static final String FILE = "norm.cu";
  private static final int WARP = 32;

  /** The kernels hold 1, 2, 4 or 8 packs a thread; those of the gradient up to 4. */
  private static final int SIZES = 4;

  private static final int GRADIENT_SIZES = 3;

  private static final int WARPS_OF_BLOCK = 4;

  /** Which of the sizes a block that shares a row uses, and how many threads it may have. */
  private static final int BLOCK_SIZE = 2;

  private static final int MOST_THREADS = 512;

  private final ColumnSums sums;
  private final TypedKernel[] normalize = new TypedKernel[SIZES];
  private final TypedKernel[] differentiate = new TypedKernel[GRADIENT_SIZES];

  Norms(KernelFinder kernels, ColumnSums sums) {
    this.sums = sums;
    for (int size = 0; size < SIZES; size++) {
      normalize[size] = load(kernels, "rms_norm", size);
    }
    for (int size = 0; size < GRADIENT_SIZES; size++) {
      differentiate[size] = load(kernels, "rms_norm_gradient", size);
    }
  }

  private static TypedKernel load(KernelFinder kernels, String name, int size) {
    int count = 1 << size;
    return new TypedKernel(
        kernels.get(FILE, "%s_f32_%d".formatted(name, count)),
        kernels.get(FILE, "%s_bf16_%d".formatted(name, count)));
  }

  /** Who works on a row: a warp, or a block of so many threads. */
  private record Team(int size, boolean warp, int threads) {
    static Team of(Packs packs, int sizes) {
      long perRow = packs.perRow();
      if (perRow <= WARP << (sizes - 1)) {
        int held = (int) Math.max(1, (perRow + WARP - 1) / WARP);
        int size = Integer.SIZE - Integer.numberOfLeadingZeros(held - 1);
        return new Team(size, true, WARPS_OF_BLOCK * WARP);
      }
      long warps = (perRow + (WARP << BLOCK_SIZE) - 1) / (WARP << BLOCK_SIZE);
      return new Team(BLOCK_SIZE, false, (int) Math.min(MOST_THREADS, warps * WARP));
    }

    void launch(Kernel kernel, long rows) {
      kernel.launch(warp ? (rows + WARPS_OF_BLOCK - 1) / WARPS_OF_BLOCK : rows, threads);
    }
  }

  /** See {@link org.sparktune.trainer.engine.Engine#rmsNorm}. */
  void normalize(Tensor x, Tensor weight, float eps, Tensor out, Tensor inverseRms) {
    DType type = Packs.type(x, out);
    Packs packs = Packs.of(x, out, weight);
    Team team = Team.of(packs, SIZES);
    Kernel kernel =
        normalize[team.size()]
            .of(type)
            .withRows(x)
            .with(weight)
            .with(eps)
            .withRows(out)
            .with(inverseRms)
            .with(x.rows())
            .with(Math.toIntExact(x.columns()))
            .with(packs.wide())
            .with(team.warp());
    team.launch(kernel, x.rows());
  }

  /** See {@link org.sparktune.trainer.engine.Engine#rmsNormGradient}. */
  void gradient(
      Tensor dOut,
      Tensor x,
      Tensor weight,
      Tensor inverseRms,
      Tensor dx,
      boolean accumulate,
      Tensor dWeight) {
    if (dWeight != null) {
      sums.addScaledProducts(dOut, x, inverseRms, dWeight);
    }
    DType type = Packs.type(x, dOut, dx);
    Packs packs = Packs.of(x, dOut, dx, weight);
    Team team = Team.of(packs, GRADIENT_SIZES);
    Kernel kernel =
        differentiate[team.size()]
            .of(type)
            .withRows(dOut)
            .withRows(x)
            .with(weight)
            .with(inverseRms)
            .withRows(dx)
            .with(accumulate)
            .with(x.rows())
            .with(Math.toIntExact(x.columns()))
            .with(packs.wide())
            .with(team.warp());
    team.launch(kernel, x.rows());
  }
}
