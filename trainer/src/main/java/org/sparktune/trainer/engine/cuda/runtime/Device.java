package org.sparktune.trainer.engine.cuda.runtime;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntUnaryOperator;
import org.bytedeco.cuda.cudart.CUctx_st;
import org.bytedeco.cuda.cudart.CUmemPoolHandle_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * A GPU with its primary context and the one stream that all work of an engine goes through, in the
 * order of the calls.
 */
public final class Device implements AutoCloseable {
  private static final int MINIMUM_CAPABILITY = 80;

  /** What a driver leaves on Linux, and on Linux inside Windows. */
  private static final List<String> DRIVER_DEVICES = List.of("/dev/nvidiactl", "/dev/dxg");

  private final int index;
  private final String name;
  private final int capability;
  private final int multiprocessors;
  private final int maximumSharedBytes;
  private final CUctx_st context = new CUctx_st();
  private final CUstream_st stream = new CUstream_st();
  private final CUmemPoolHandle_st pool = new CUmemPoolHandle_st();
  private Thread current;

  private Device(int index, String name, int capability) {
    this.index = index;
    this.name = name;
    this.capability = capability;
    multiprocessors = attribute(cudart.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    maximumSharedBytes = attribute(cudart.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
    Cuda.check(cudart.cuDevicePrimaryCtxRetain(context, index), "cuDevicePrimaryCtxRetain");
    makeCurrent();
    Cuda.check(cudart.cuStreamCreate(stream, cudart.CU_STREAM_NON_BLOCKING), "cuStreamCreate");
    Cuda.check(cudart.cuDeviceGetDefaultMemPool(pool, index), "cuDeviceGetDefaultMemPool");
    try (LongPointer keep = new LongPointer(1)) {
      keep.put(0, Long.MAX_VALUE);
      Cuda.check(
          cudart.cuMemPoolSetAttribute(pool, cudart.CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, keep),
          "cuMemPoolSetAttribute");
    }
  }

  /**
   * Opens a GPU.
   *
   * @param index its number among those visible to the process
   * @throws SparktuneException {@code UNSUPPORTED} without a driver, its libraries, the GPU, or
   *     when the GPU is older than compute capability 8.0
   */
  public static Device open(int index) {
    return open(gpus -> index);
  }

  /**
   * As above.
   *
   * @param choice gives the index, from the number of GPUs visible to the process
   */
  public static Device open(IntUnaryOperator choice) {
    load();
    int[] value = new int[1];
    int status = cudart.cuInit(0);
    if (status == 0) {
      status = cudart.cuDeviceGetCount(value);
    }
    if (status != 0 || value[0] == 0) {
      throw unsupported(
          "The CUDA driver is here, but it shows no GPU (status %d).".formatted(status));
    }
    int index = choice.applyAsInt(value[0]);
    if (index < 0 || index >= value[0]) {
      throw unsupported(
          "GPU %d was asked for, but this machine shows %d.".formatted(index, value[0]));
    }
    byte[] text = new byte[128];
    Cuda.check(cudart.cuDeviceGetName(text, text.length, index), "cuDeviceGetName");
    String name = new String(text, StandardCharsets.UTF_8).trim();
    int capability =
        10 * attributeOf(index, cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
            + attributeOf(index, cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    requireCapability(name, capability);
    return new Device(index, name, capability);
  }

  /** Refuses a GPU that is too old; its compute capability is given times ten. */
  static void requireCapability(String name, int capability) {
    if (capability < MINIMUM_CAPABILITY) {
      throw unsupported(
          "The GPU %s has compute capability %d.%d; the CUDA engine needs 8.0 or higher."
              .formatted(name, capability / 10, capability % 10));
    }
  }

  /** Whether this machine has an NVIDIA driver; loads nothing. */
  public static boolean hasDriver() {
    return DRIVER_DEVICES.stream().anyMatch(device -> Files.exists(Path.of(device)));
  }

  /** Loads the bindings' libraries, which need the driver's and CUDA's own. */
  private static void load() {
    if (!hasDriver()) {
      throw unsupported("This machine has no NVIDIA driver (there is no /dev/nvidiactl).");
    }
    // JavaCPP refuses to work in a process of more than four times the heap; weights lie outside.
    if (System.getProperty("org.bytedeco.javacpp.maxPhysicalBytes") == null) {
      System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
    }
    try {
      Class.forName("org.bytedeco.cuda.global.cudart");
      Class.forName("org.bytedeco.cuda.global.nvrtc");
      Class.forName("org.bytedeco.cuda.global.cublas");
    } catch (ClassNotFoundException | LinkageError e) {
      throw librariesMissing(e);
    }
  }

  /** What is said when a library of the driver or of CUDA cannot be loaded. */
  static SparktuneException librariesMissing(Throwable cause) {
    return new SparktuneException(
        ErrorCode.UNSUPPORTED,
        "The CUDA libraries do not load here: %s.".formatted(cause.getMessage()),
        "The CUDA engine needs an NVIDIA driver (libcuda.so.1) and CUDA 13's libcudart, libnvrtc"
            + " and libcublasLt on LD_LIBRARY_PATH, or engine: cpu.",
        cause);
  }

  private static SparktuneException unsupported(String problem) {
    return new SparktuneException(
        ErrorCode.UNSUPPORTED, problem, "Use engine: cpu, or a machine with such a GPU.");
  }

  private int attribute(int attribute) {
    return attributeOf(index, attribute);
  }

  private static int attributeOf(int index, int attribute) {
    int[] value = new int[1];
    Cuda.check(cudart.cuDeviceGetAttribute(value, attribute, index), "cuDeviceGetAttribute");
    return value[0];
  }

  /** Makes the context the calling thread's; to be called before other calls. */
  public void makeCurrent() {
    Thread thread = Thread.currentThread();
    if (current != thread) {
      Cuda.check(cudart.cuCtxSetCurrent(context), "cuCtxSetCurrent");
      current = thread;
    }
  }

  /** The product's name. */
  public String name() {
    return name;
  }

  /** Compute capability times ten: 90 for Hopper. */
  public int capability() {
    return capability;
  }

  /** How many streaming multiprocessors it has. */
  public int multiprocessors() {
    return multiprocessors;
  }

  /** The most shared memory a block may ask for. */
  public int maximumSharedBytes() {
    return maximumSharedBytes;
  }

  /** Bytes of memory that nobody uses now. */
  public long freeBytes() {
    makeCurrent();
    try (SizeTPointer free = new SizeTPointer(1);
        SizeTPointer total = new SizeTPointer(1)) {
      Cuda.check(cudart.cuMemGetInfo(free, total), "cuMemGetInfo");
      return free.get();
    }
  }

  /** The most bytes that were in use at once. */
  public long peakBytes() {
    return poolAttribute(cudart.CU_MEMPOOL_ATTR_USED_MEM_HIGH);
  }

  /** Bytes in use now. */
  public long usedBytes() {
    return poolAttribute(cudart.CU_MEMPOOL_ATTR_USED_MEM_CURRENT);
  }

  private long poolAttribute(int attribute) {
    makeCurrent();
    try (LongPointer value = new LongPointer(1)) {
      Cuda.check(cudart.cuMemPoolGetAttribute(pool, attribute, value), "cuMemPoolGetAttribute");
      return value.get(0);
    }
  }

  /** Where work is queued. */
  CUstream_st stream() {
    return stream;
  }

  /** Memory of so many bytes, not cleared. */
  long allocate(long bytes, String what) {
    makeCurrent();
    long[] address = new long[1];
    int status = cudart.cuMemAllocAsync(address, Math.max(bytes, 1), stream);
    if (status == cudart.CUDA_ERROR_OUT_OF_MEMORY) {
      throw new SparktuneException(
          ErrorCode.RESOURCES,
          "The GPU %s has no memory for %,d bytes of %s (%,d bytes are in use, %,d free)."
              .formatted(name, bytes, what, usedBytes(), freeBytes()),
          "Use a smaller batch, a shorter sequence length or a GPU with more memory.");
    }
    Cuda.check(status, "cuMemAllocAsync");
    return address[0];
  }

  /** Releases memory when all work queued so far is done. */
  void free(long address) {
    makeCurrent();
    Cuda.check(cudart.cuMemFreeAsync(address, stream), "cuMemFreeAsync");
  }

  /** Sets bytes to zero. */
  public void clear(long address, long bytes) {
    if (bytes > 0) {
      Cuda.check(cudart.cuMemsetD8Async(address, (byte) 0, bytes, stream), "cuMemsetD8Async");
    }
  }

  /** Sets {@code rows} runs of {@code width} bytes, {@code pitch} bytes apart, to zero. */
  public void clearRows(long address, long pitch, long width, long rows) {
    if (width > 0 && rows > 0) {
      Cuda.check(
          cudart.cuMemsetD2D8Async(address, pitch, (byte) 0, width, rows, stream),
          "cuMemsetD2D8Async");
    }
  }

  /** Waits for all work queued so far. */
  public void synchronize() {
    makeCurrent();
    Cuda.check(cudart.cuStreamSynchronize(stream), "work on the GPU");
  }

  @Override
  public void close() {
    makeCurrent();
    cudart.cuStreamSynchronize(stream);
    cudart.cuStreamDestroy(stream);
    cudart.cuDevicePrimaryCtxRelease(index);
  }
}
