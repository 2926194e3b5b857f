package org.sparktune.trainer.engine.cuda.runtime;

import org.bytedeco.cuda.cudart.CUtensorMap;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * What the copy engine of Hopper and later GPUs needs to know of a BF16 tensor to fetch boxes of it
 * to shared memory; a kernel takes it by value. Boxes are 64 columns of one head by 64 rows,
 * swizzled by 128 bytes; what lies outside the head or the tensor arrives as zeros.
 */
public final class TensorMap {
  private static final int BYTES = 128;
  private static final int ALIGNMENT = 64;
  private static final int BOX_COLUMNS = 64;
  private static final int BOX_ROWS = 64;

  private final BytePointer memory = new BytePointer(BYTES + ALIGNMENT);
  private final CUtensorMap map;
  private final Address base = new Address();
  private final long[] sizes = new long[3];
  private final long[] strides = new long[2];
  private final int[] box = {BOX_COLUMNS, 1, BOX_ROWS};
  private final int[] steps = {1, 1, 1};

  /** A map of nothing. */
  public TensorMap() {
    map =
        new CUtensorMap(
            new Address().at((memory.address() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT));
  }

  /** Whether tensors of heads of so many columns are BF16 and can be read 16 bytes at a time. */
  public static boolean reaches(int headSize, Tensor... tensors) {
    int elements = 16 / DType.BF16.bytes();
    boolean reaches = headSize % elements == 0;
    for (Tensor tensor : tensors) {
      reaches =
          reaches
              && tensor.type() == DType.BF16
              && tensor.deviceAddress() % 16 == 0
              && tensor.rowStride() % elements == 0;
    }
    return reaches;
  }

  /**
   * Describes a tensor.
   *
   * @param tensor {@code (N, heads·D)} BF16, of which {@link #reaches} is true
   */
  public TensorMap of(Tensor tensor, int heads, int headSize) {
    long bytes = DType.BF16.bytes();
    sizes[0] = headSize;
    sizes[1] = heads;
    sizes[2] = tensor.rows();
    strides[0] = headSize * bytes;
    strides[1] = tensor.rowStride() * bytes;
    Cuda.check(
        cudart.cuTensorMapEncodeTiled(
            map,
            cudart.CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
            sizes.length,
            base.at(tensor.deviceAddress()),
            sizes,
            strides,
            box,
            steps,
            cudart.CU_TENSOR_MAP_INTERLEAVE_NONE,
            cudart.CU_TENSOR_MAP_SWIZZLE_128B,
            cudart.CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
            cudart.CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
        "cuTensorMapEncodeTiled");
    return this;
  }

  /** Where the map lies in host memory. */
  long address() {
    return map.address();
  }
}
