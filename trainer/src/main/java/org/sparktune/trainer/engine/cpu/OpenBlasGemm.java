package org.sparktune.trainer.engine.cpu;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.sparktune.trainer.engine.cpu.vector.ElementKernels;

/**
 * F32 products through OpenBLAS, the library behind ND4J's own products: the fallback where oneDNN
 * does not load. It has no BF16.
 */
final class OpenBlasGemm implements Gemm {
  private final Address left = new Address();
  private final Address right = new Address();
  private final Address result = new Address();
  private final ElementKernels kernels = new ElementKernels();

  @Override
  public void multiply(GemmShape shape, long a, long b, long bias, long c) {
    if (shape.bf16()) {
      throw new IllegalArgumentException("OpenBLAS has no BF16 products");
    }
    openblas_nolapack.cblas_sgemm(
        openblas_nolapack.CblasRowMajor,
        transpose(shape.transposeA()),
        transpose(shape.transposeB()),
        shape.rows(),
        shape.columns(),
        shape.inner(),
        shape.alpha(),
        left.at(a),
        Math.toIntExact(shape.strideA()),
        right.at(b),
        Math.toIntExact(shape.strideB()),
        shape.beta(),
        result.at(c),
        Math.toIntExact(shape.strideC()));
    if (shape.bias()) {
      for (int row = 0; row < shape.rows(); row++) {
        kernels.add(bias, c + row * shape.strideC() * Float.BYTES, shape.columns());
      }
    }
  }

  private static int transpose(boolean transposed) {
    return transposed ? openblas_nolapack.CblasTrans : openblas_nolapack.CblasNoTrans;
  }

  @Override
  public long packedBytes(int inner, int columns, boolean bf16) {
    return 0;
  }

  @Override
  public void pack(GemmShape shape, long b, long packed) {
    throw new UnsupportedOperationException("OpenBLAS has no layout of its own");
  }

  @Override
  public void close() {
    // OpenBLAS keeps nothing per shape.
  }

  /** A pointer whose address changes with every call, so that calls allocate none. */
  private static final class Address extends FloatPointer {
    Address() {
      super((Pointer) null);
    }

    Address at(long newAddress) {
      this.address = newAddress;
      return this;
    }
  }

  /** Loads OpenBLAS; it shares its own threads among the workers' products. */
  static final class OpenBlas implements Provider {
    OpenBlas() {
      Loader.load(openblas_nolapack.class);
    }

    @Override
    public String description() {
      return "OpenBLAS";
    }

    @Override
    public boolean takesBf16() {
      return false;
    }

    @Override
    public boolean packs() {
      return false;
    }

    @Override
    public boolean hasNativeBf16() {
      return false;
    }

    @Override
    public Gemm create() {
      return new OpenBlasGemm();
    }

    @Override
    public int enter() {
      return 0;
    }

    @Override
    public void leave(int restore) {
      // Nothing was changed.
    }
  }
}
