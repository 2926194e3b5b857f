package org.sparktune.trainer.engine.cuda;

import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.KeyValueCache;
import org.sparktune.trainer.engine.ScratchDemand;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceScratch;
import org.sparktune.trainer.engine.cuda.runtime.Kernels;
import org.sparktune.trainer.engine.cuda.runtime.Staging;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;
import org.sparktune.trainer.memory.TensorShapes;

/** The attention operators: chooses the kernels for a shape. */
final class CudaAttention implements AutoCloseable {
  private final AttentionRuns documents;

  /** From the fastest to the one that serves most. */
  private final List<AttentionKernels> choices;

  private final CachedAttention cached;
  private final DeviceScratch deltas;
  private final Device device;
  private final Staging staging;

  CudaAttention(Device device, Kernels kernels, Staging staging) {
    this(device, kernels, staging, choices(device, kernels));
  }

  /** Attention by given kernels, of which the first that serve a shape are taken. */
  CudaAttention(Device device, Kernels kernels, Staging staging, List<AttentionKernels> choices) {
    this.device = device;
    this.staging = staging;
    this.choices = choices;
    documents = new AttentionRuns(device, staging);
    cached = new CachedAttention(device, kernels);
    deltas = new DeviceScratch(device, "attention's gradient");
  }

  private static List<AttentionKernels> choices(Device device, Kernels kernels) {
    PlainAttention plain = new PlainAttention(kernels);
    AmpereAttention ampere = new AmpereAttention(kernels, plain);
    return HopperAttention.runsOn(device)
        ? List.of(new HopperAttention(device, kernels), ampere, plain)
        : List.of(ampere, plain);
  }

  /** Bytes that a gradient takes beside its tensors. */
  static long scratchBytes(ScratchDemand demand) {
    return demand.backward()
        ? (long) demand.tokens() * demand.attention().heads() * Float.BYTES
        : 0;
  }

  /** See {@link org.sparktune.trainer.engine.Engine#attention}. */
  void forward(
      Tensor q,
      Tensor k,
      Tensor v,
      int[] documentStarts,
      AttentionShape shape,
      Tensor out,
      Tensor logSumExp) {
    kernels(shape, q, k, v, out)
        .forward(q, k, v, documents.ofDocuments(documentStarts), shape, out, logSumExp);
  }

  /** See {@link org.sparktune.trainer.engine.Engine#attentionGradient}. */
  void gradient(
      Tensor dOut,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp,
      int[] documentStarts,
      AttentionShape shape,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    AttentionKernels kernels = kernels(shape, dOut, q, k, v, out, dq, dk, dv);
    long delta = deltas.reserve(q.rows() * shape.heads() * Float.BYTES);
    kernels.delta(dOut, out, shape, delta);
    kernels.gradient(
        dOut, q, k, v, logSumExp, delta, documents.ofDocuments(documentStarts), shape, dq, dk, dv);
  }

  /** Attention of a cache's new tokens; the runs refer to rows of keys and values. */
  void forward(
      Tensor q, Tensor keys, Tensor values, AttentionRuns runs, AttentionShape shape, Tensor out) {
    kernels(shape, q, keys, values, out).forward(q, keys, values, runs, shape, out, null);
  }

  private AttentionKernels kernels(AttentionShape shape, Tensor... tensors) {
    for (Tensor tensor : tensors) {
      TensorShapes.requireType(tensor, tensors[0].type());
    }
    for (AttentionKernels choice : choices) {
      if (choice.serves(shape, tensors)) {
        return choice;
      }
    }
    throw new SparktuneException(
        ErrorCode.UNSUPPORTED,
        "The CUDA engine has no attention for heads of %d elements (at most %d)."
            .formatted(shape.headSize(), PlainAttention.LARGEST_HEAD),
        "Use engine: cpu for this model.");
  }

  /**
   * An empty cache for generation.
   *
   * @param arena what the cache lies in; closed with it
   * @param type of keys and values
   * @param columns K·D
   */
  KeyValueCache cache(TensorArena arena, DType type, int layers, int columns, int[] capacities) {
    return new CudaKeyValueCache(
        this, cached, device, staging, arena, type, layers, columns, capacities);
  }

  @Override
  public void close() {
    documents.close();
    cached.close();
    deltas.close();
  }
}
