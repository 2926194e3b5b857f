package org.sparktune.trainer.engine.cuda.runtime;

import java.util.HashMap;
import java.util.Map;
import org.bytedeco.cuda.cublas.cublasLtContext;
import org.bytedeco.cuda.cublas.cublasLtMatmulAlgo_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulDescOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulHeuristicResult_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulPreferenceOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatrixLayoutOpaque_t;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerPointer;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * Matrix products by cuBLASLt, row-major, summed in F32. What is planned for a shape (descriptors
 * and algorithm) is kept; the algorithm is the library's first choice, which depends on the shape,
 * the GPU and the library alone, so that other processes get the same bits.
 */
public final class MatrixProducts implements AutoCloseable {
  private static final long WORKSPACE_BYTES = 64L << 20;
  private static final int LARGEST_ALIGNMENT = 256;

  /** One operand's layout, as part of a plan's key. */
  private record Side(DType type, long stride, int alignment) {
    static Side of(Tensor tensor) {
      int alignment = (int) Math.min(LARGEST_ALIGNMENT, Long.lowestOneBit(tensor.deviceAddress()));
      return new Side(tensor.type(), tensor.rowStride(), alignment);
    }
  }

  private record Key(
      boolean transposeA,
      boolean transposeB,
      long rows,
      long columns,
      long inner,
      Side a,
      Side b,
      Side c,
      Side d,
      DType bias,
      boolean scaled) {}

  /** Everything that is decided once for a key. */
  private record Plan(
      cublasLtMatmulDescOpaque_t description,
      cublasLtMatrixLayoutOpaque_t first,
      cublasLtMatrixLayoutOpaque_t second,
      cublasLtMatrixLayoutOpaque_t added,
      cublasLtMatrixLayoutOpaque_t result,
      cublasLtMatmulAlgo_t algorithm) {}

  private final Device device;
  private final cublasLtContext handle = new cublasLtContext();
  private final Map<Key, Plan> plans = new HashMap<>();
  private final long workspace;
  private final FloatPointer alpha = new FloatPointer(1);
  private final FloatPointer beta = new FloatPointer(1);
  private final LongPointer pointer = new LongPointer(1);
  private final Address addressA = new Address();
  private final Address addressB = new Address();
  private final Address addressC = new Address();
  private final Address addressD = new Address();
  private final Address addressWorkspace = new Address();

  /** Starts the library. */
  public MatrixProducts(Device device) {
    this.device = device;
    device.makeCurrent();
    Cuda.checkProduct(cublas.cublasLtCreate(handle), "cublasLtCreate");
    workspace = device.allocate(WORKSPACE_BYTES, "cuBLASLt's workspace");
  }

  /** The library's version. */
  public static String version() {
    long version = cublas.cublasLtGetVersion();
    return "%d.%d.%d".formatted(version / 10_000, version / 100 % 100, version % 100);
  }

  /** c = α·op(a)·op(b) + β·c. */
  public void multiply(
      boolean transposeA,
      Tensor a,
      boolean transposeB,
      Tensor b,
      float alphaValue,
      float betaValue,
      Tensor c) {
    multiply(transposeA, a, transposeB, b, alphaValue, betaValue, c, c, null);
  }

  /**
   * d = α·op(a)·op(b) + β·c + bias.
   *
   * @param a F32 or BF16, rows may lie apart, as of all
   * @param b of a's type
   * @param c of d's type
   * @param d F32, or a's type
   * @param bias {@code (columns of d)}, or null
   */
  public void multiply(
      boolean transposeA,
      Tensor a,
      boolean transposeB,
      Tensor b,
      float alphaValue,
      float betaValue,
      Tensor c,
      Tensor d,
      Tensor bias) {
    multiply(transposeA, a, null, transposeB, b, null, alphaValue, betaValue, c, d, bias);
  }

  /**
   * d = a·bᵀ + β·c + bias, of operands in E4M3 whose rows have scales; from compute capability 9.0
   * on.
   *
   * @param a {@code (rows, inner)} I8: codes, rows of a multiple of 16, as of b
   * @param scalesA {@code (rows)} F32
   * @param b {@code (columns, inner)} I8: codes
   * @param scalesB {@code (columns)} F32
   * @param c of d's type
   * @param d {@code (rows, columns)} BF16 or F32
   * @param bias {@code (columns)} BF16, or null
   */
  public void multiplyScaled(
      Tensor a,
      Tensor scalesA,
      Tensor b,
      Tensor scalesB,
      float betaValue,
      Tensor c,
      Tensor d,
      Tensor bias) {
    multiply(false, a, scalesA, true, b, scalesB, 1, betaValue, c, d, bias);
  }

  private void multiply(
      boolean transposeA,
      Tensor a,
      Tensor scalesA,
      boolean transposeB,
      Tensor b,
      Tensor scalesB,
      float alphaValue,
      float betaValue,
      Tensor c,
      Tensor d,
      Tensor bias) {
    long rows = transposeA ? a.columns() : a.rows();
    long inner = transposeA ? a.rows() : a.columns();
    long columns = transposeB ? b.rows() : b.columns();
    if (inner != (transposeB ? b.columns() : b.rows())
        || d.rows() != rows
        || d.columns() != columns) {
      throw new IllegalArgumentException(
          "%s%s times %s%s does not give %s"
              .formatted(
                  a, transposeA ? " transposed" : "", b, transposeB ? " transposed" : "", d));
    }
    if (rows == 0 || columns == 0) {
      return;
    }
    Key key =
        new Key(
            transposeA,
            transposeB,
            rows,
            columns,
            inner,
            Side.of(a),
            Side.of(b),
            Side.of(c),
            Side.of(d),
            bias == null ? null : bias.type(),
            scalesA != null);
    Plan plan = plans.computeIfAbsent(key, this::plan);
    alpha.put(0, alphaValue);
    beta.put(0, betaValue);
    if (scalesA != null) {
      point(plan, cublas.CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, scalesB);
      point(plan, cublas.CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, scalesA);
    }
    if (bias != null) {
      point(plan, cublas.CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    }
    // The library thinks in columns: the transposed product of the operands in the other order.
    Cuda.checkProduct(
        cublas.cublasLtMatmul(
            handle,
            plan.description(),
            alpha,
            addressA.at(b.deviceAddress()),
            plan.first(),
            addressB.at(a.deviceAddress()),
            plan.second(),
            beta,
            addressC.at(c.deviceAddress()),
            plan.added(),
            addressD.at(d.deviceAddress()),
            plan.result(),
            plan.algorithm(),
            addressWorkspace.at(workspace),
            WORKSPACE_BYTES,
            device.stream()),
        "the product " + key);
  }

  private Plan plan(Key key) {
    cublasLtMatmulDescOpaque_t description;
    try (PointerPointer<?> made = new PointerPointer<>(1)) {
      Cuda.checkProduct(
          cublas.cublasLtMatmulDescCreate(made, cublas.CUBLAS_COMPUTE_32F, cudart.CUDA_R_32F),
          "cublasLtMatmulDescCreate");
      description = new cublasLtMatmulDescOpaque_t(made.get(0));
    }
    int plain = cublas.CUBLAS_OP_N;
    int transposed = cublas.CUBLAS_OP_T;
    set(description, cublas.CUBLASLT_MATMUL_DESC_TRANSA, key.transposeB() ? transposed : plain);
    set(description, cublas.CUBLASLT_MATMUL_DESC_TRANSB, key.transposeA() ? transposed : plain);
    if (key.scaled()) {
      int vector = cublas.CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F;
      set(description, cublas.CUBLASLT_MATMUL_DESC_A_SCALE_MODE, vector);
      set(description, cublas.CUBLASLT_MATMUL_DESC_B_SCALE_MODE, vector);
      // The library chooses no algorithm before it has seen scales; every product sets its own.
      pointer.put(0, workspace);
      set(description, cublas.CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, pointer, Long.BYTES);
      set(description, cublas.CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, pointer, Long.BYTES);
    }
    if (key.bias() != null) {
      set(description, cublas.CUBLASLT_MATMUL_DESC_EPILOGUE, cublas.CUBLASLT_EPILOGUE_BIAS);
      set(description, cublas.CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, type(key.bias()));
    }
    cublasLtMatrixLayoutOpaque_t first =
        key.transposeB()
            ? layout(key.b(), key.inner(), key.columns())
            : layout(key.b(), key.columns(), key.inner());
    cublasLtMatrixLayoutOpaque_t second =
        key.transposeA()
            ? layout(key.a(), key.rows(), key.inner())
            : layout(key.a(), key.inner(), key.rows());
    cublasLtMatrixLayoutOpaque_t added = layout(key.c(), key.columns(), key.rows());
    cublasLtMatrixLayoutOpaque_t result = layout(key.d(), key.columns(), key.rows());
    cublasLtMatmulAlgo_t algorithm = choose(key, description, first, second, added, result);
    return new Plan(description, first, second, added, result, algorithm);
  }

  private cublasLtMatmulAlgo_t choose(
      Key key,
      cublasLtMatmulDescOpaque_t description,
      cublasLtMatrixLayoutOpaque_t first,
      cublasLtMatrixLayoutOpaque_t second,
      cublasLtMatrixLayoutOpaque_t added,
      cublasLtMatrixLayoutOpaque_t result) {
    try (PointerPointer<?> made = new PointerPointer<>(1);
        IntPointer found = new IntPointer(1);
        cublasLtMatmulHeuristicResult_t choice = new cublasLtMatmulHeuristicResult_t();
        LongPointer bytes = new LongPointer(1)) {
      Cuda.checkProduct(
          cublas.cublasLtMatmulPreferenceCreate(made), "cublasLtMatmulPreferenceCreate");
      cublasLtMatmulPreferenceOpaque_t preference =
          new cublasLtMatmulPreferenceOpaque_t(made.get(0));
      bytes.put(0, WORKSPACE_BYTES);
      Cuda.checkProduct(
          cublas.cublasLtMatmulPreferenceSetAttribute(
              preference, cublas.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, bytes, Long.BYTES),
          "the workspace");
      prefer(preference, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, key.b());
      prefer(preference, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, key.a());
      prefer(preference, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, key.c());
      prefer(preference, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, key.d());
      int status =
          cublas.cublasLtMatmulAlgoGetHeuristic(
              handle, description, first, second, added, result, preference, 1, choice, found);
      cublas.cublasLtMatmulPreferenceDestroy(preference);
      if (status != 0 || found.get(0) == 0) {
        throw new SparktuneException(
            ErrorCode.UNSUPPORTED,
            "cuBLASLt has no algorithm for the product %s (status %d).".formatted(key, status),
            "Report this together with the version of the CUDA libraries.");
      }
      return new cublasLtMatmulAlgo_t().put(choice.algo());
    }
  }

  private static void prefer(
      cublasLtMatmulPreferenceOpaque_t preference, int attribute, Side side) {
    try (IntPointer alignment = new IntPointer(1)) {
      alignment.put(0, side.alignment());
      Cuda.checkProduct(
          cublas.cublasLtMatmulPreferenceSetAttribute(
              preference, attribute, alignment, Integer.BYTES),
          "an alignment");
    }
  }

  private static cublasLtMatrixLayoutOpaque_t layout(Side side, long rows, long columns) {
    try (PointerPointer<?> made = new PointerPointer<>(1)) {
      Cuda.checkProduct(
          cublas.cublasLtMatrixLayoutCreate(
              made, type(side.type()), rows, columns, Math.max(side.stride(), rows)),
          "cublasLtMatrixLayoutCreate");
      return new cublasLtMatrixLayoutOpaque_t(made.get(0));
    }
  }

  private static int type(DType type) {
    return switch (type) {
      case F32 -> cudart.CUDA_R_32F;
      case BF16 -> cudart.CUDA_R_16BF;
      case I8 -> cudart.CUDA_R_8F_E4M3;
      case F16, I32 ->
          throw new IllegalArgumentException("products take F32, BF16 and E4M3, not " + type);
    };
  }

  /** Tells a product where something lies on the device. */
  private void point(Plan plan, int attribute, Tensor tensor) {
    pointer.put(0, tensor.deviceAddress());
    set(plan.description(), attribute, pointer, Long.BYTES);
  }

  private static void set(cublasLtMatmulDescOpaque_t description, int attribute, int value) {
    try (IntPointer pointer = new IntPointer(1)) {
      pointer.put(0, value);
      set(description, attribute, pointer, Integer.BYTES);
    }
  }

  private static void set(
      cublasLtMatmulDescOpaque_t description,
      int attribute,
      org.bytedeco.javacpp.Pointer value,
      long bytes) {
    Cuda.checkProduct(
        cublas.cublasLtMatmulDescSetAttribute(description, attribute, value, bytes),
        "the attribute " + attribute + " of a product");
  }

  @Override
  public void close() {
    device.makeCurrent();
    for (Plan plan : plans.values()) {
      cublas.cublasLtMatmulDescDestroy(plan.description());
      cublas.cublasLtMatrixLayoutDestroy(plan.first());
      cublas.cublasLtMatrixLayoutDestroy(plan.second());
      cublas.cublasLtMatrixLayoutDestroy(plan.added());
      cublas.cublasLtMatrixLayoutDestroy(plan.result());
      plan.algorithm().close();
    }
    plans.clear();
    device.free(workspace);
    cublas.cublasLtDestroy(handle);
  }
}
