package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.Engine.Precision;
import org.sparktune.trainer.engine.ScratchDemand;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceIndexes;
import org.sparktune.trainer.engine.cuda.runtime.DeviceScratch;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * Log-probabilities of targets and their gradients, a chunk of rows at a time: the logits of one
 * chunk over the whole vocabulary are all that is held. Scores are made of F32 logits; a training
 * step, which makes both in one pass, has logits of the activations' type, whose gradient takes
 * their place.
 */
final class VocabularyLoss implements AutoCloseable {
  private static final long LOGITS_BYTES = 1L << 30;

  /** Products are cut into tiles of so many rows. */
  private static final int TILE = 128;

  /** Rows of logits begin where 16 bytes can be read at once. */
  private static final int PACK = 8;

  private final Products products;
  private final DeviceIndexes indexes;
  private final DeviceScratch logitsMemory;
  private final LogitRows logitRows;

  /** What is done with one chunk of logits, whose first row is {@code start}. */
  private interface ChunkWork {
    void run(int start, Tensor input, Tensor logits);
  }

  VocabularyLoss(Device device, KernelFinder kernels, Products products, DeviceIndexes indexes) {
    this.products = products;
    this.indexes = indexes;
    logitsMemory = new DeviceScratch(device, "logits");
    logitRows = new LogitRows(device, kernels);
  }

  /** Bytes of logits, and of their gradient where that has another type. */
  static long scratchBytes(ScratchDemand demand, Precision precision) {
    long rows = chunkRows(demand.tokens(), stride(demand.vocabulary()), DType.F32);
    long bytes = rows * stride(demand.vocabulary()) * DType.F32.bytes();
    return precision == Precision.BF16 && demand.backward() ? bytes + bytes / 2 : bytes;
  }

  /** See {@link org.sparktune.trainer.engine.Engine#tokenLogProbs}. */
  void logProbs(Tensor hidden, CudaWeight head, int[] targets, Tensor logProbs, Tensor logSumExp) {
    long ids = indexes.of(targets);
    forChunks(
        hidden,
        head,
        DType.F32,
        (start, input, logits) ->
            logitRows.score(
                logits,
                at(ids, start),
                logProbs.view(start, logits.rows()),
                logSumExp.view(start, logits.rows())));
  }

  /** See {@link org.sparktune.trainer.engine.Engine#tokenLogProbsGradient}. */
  void gradient(
      Tensor hidden,
      CudaWeight head,
      int[] targets,
      Tensor logSumExp,
      Tensor dLogProbs,
      Tensor dHidden,
      Tensor dHead) {
    long ids = indexes.of(targets);
    forChunks(
        hidden,
        head,
        DType.F32,
        (start, input, logits) -> {
          logitRows.differentiate(
              logits,
              at(ids, start),
              logSumExp.view(start, logits.rows()),
              dLogProbs.view(start, logits.rows()));
          backward(start, input, logits, head, dHidden, dHead);
        });
  }

  /** See {@link org.sparktune.trainer.engine.Engine#tokenLossAndGradient}. */
  void lossAndGradient(
      Tensor hidden,
      CudaWeight head,
      int[] targets,
      Tensor dLogProbs,
      Tensor logProbs,
      Tensor dHidden,
      Tensor dHead) {
    long ids = indexes.of(targets);
    DType type = head.operand().type();
    forChunks(
        hidden,
        head,
        type,
        (start, input, logits) -> {
          logitRows.scoreAndDifferentiate(
              logits,
              at(ids, start),
              logProbs.view(start, logits.rows()),
              dLogProbs.view(start, logits.rows()));
          backward(start, input, logits, head, dHidden, dHead);
        });
  }

  /** The address of the first of a chunk's targets. */
  private static long at(long targets, int start) {
    return targets + (long) start * Integer.BYTES;
  }

  private void backward(
      int start, Tensor input, Tensor gradient, CudaWeight head, Tensor dHidden, Tensor dHead) {
    Tensor dInput = dHidden.rows(start, start + gradient.rows());
    products.multiply(false, gradient, false, head.operand(), 1, 0, dInput);
    if (dHead != null) {
      products.multiply(true, gradient, false, input, 1, 1, dHead);
    }
  }

  private void forChunks(Tensor hidden, CudaWeight head, DType type, ChunkWork work) {
    long stride = stride(head.out());
    int total = Math.toIntExact(hidden.rows());
    int chunk = chunkRows(total, stride, type);
    long address = logitsMemory.reserve(chunk * stride * type.bytes());
    for (int start = 0; start < total; start += chunk) {
      int count = Math.min(chunk, total - start);
      Tensor logits = Tensor.onDevice(type, address, stride, count, head.out());
      Tensor input = hidden.rows(start, start + count);
      products.linear(input, head.operand(), logits);
      work.run(start, input, logits);
    }
  }

  private static long stride(long vocabulary) {
    return (vocabulary + PACK - 1) / PACK * PACK;
  }

  /** Rows whose logits are held at a time: chunks of about the same size. */
  private static int chunkRows(int rows, long stride, DType type) {
    long most = Math.max(TILE, LOGITS_BYTES / (stride * type.bytes()));
    long chunks = (rows + most - 1) / most;
    long even = (rows + chunks - 1) / Math.max(1, chunks);
    return (int) Math.min(rows, (even + TILE - 1) / TILE * TILE);
  }

  @Override
  public void close() {
    logitsMemory.close();
  }
}
