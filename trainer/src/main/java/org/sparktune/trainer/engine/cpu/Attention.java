package org.sparktune.trainer.engine.cpu;

import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.cpu.vector.DotKernels;
import org.sparktune.trainer.engine.cpu.vector.SoftmaxKernels;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Scratch;
import org.sparktune.trainer.memory.Tensor;

/** The attention operators: gives every (document, head) pair to a worker. */
final class Attention implements AutoCloseable {
  /** From so many new tokens on, blocks pay; below, one query runs at the speed of memory. */
  private static final int BLOCKED_QUERIES = 8;

  private final Workers workers;
  private final Rows rows;
  private final boolean bf16;
  private final Scratch headGradients = new Scratch("attention gradients");

  Attention(Workers workers, Rows rows, boolean bf16) {
    this.workers = workers;
    this.rows = rows;
    this.bf16 = bf16;
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
    BlockAttention attention = new BlockAttention(bf16, shape, q, out, logSumExp);
    int documents = documentStarts.length - 1;
    workers.run(
        documents * shape.heads(),
        (index, worker) -> {
          int document = index / shape.heads();
          int start = documentStarts[document];
          int length = documentStarts[document + 1] - start;
          attention.run(k, v, start, length, start, length, index % shape.heads(), worker);
        });
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
    boolean grouped = shape.heads() != shape.keyValueHeads();
    long elements = q.rows() * shape.heads() * shape.headSize();
    long address = grouped ? headGradients.reserve(2 * elements * Float.BYTES) : 0;
    long columns = (long) shape.heads() * shape.headSize();
    Tensor headDk = grouped ? Tensor.at(DType.F32, address, q.rows(), columns) : dk;
    Tensor headDv =
        grouped ? Tensor.at(DType.F32, address + elements * Float.BYTES, q.rows(), columns) : dv;
    BlockAttentionGradient gradient =
        new BlockAttentionGradient(bf16, shape, dOut, q, k, v, out, logSumExp);
    workers.run(
        (documentStarts.length - 1) * shape.heads(),
        (index, worker) -> {
          int start = documentStarts[index / shape.heads()];
          int length = documentStarts[index / shape.heads() + 1] - start;
          gradient.run(start, length, index % shape.heads(), dq, headDk, headDv, worker);
        });
    if (grouped) {
      sumGroups(headDk, shape, dk);
      sumGroups(headDv, shape, dv);
    }
  }

  private void sumGroups(Tensor perHead, AttentionShape shape, Tensor sum) {
    int group = shape.heads() / shape.keyValueHeads();
    int size = shape.headSize();
    long headBytes = (long) size * Float.BYTES;
    rows.run(
        sum.rows(),
        perHead.columns(),
        (from, to, worker) -> {
          for (int row = from; row < to; row++) {
            for (int shared = 0; shared < shape.keyValueHeads(); shared++) {
              long source = perHead.rowAddress(row) + (long) shared * group * headBytes;
              long target = sum.rowAddress(row) + shared * headBytes;
              Memory.copy(source, target, headBytes);
              for (int member = 1; member < group; member++) {
                worker.kernels().elements().add(source + member * headBytes, target, size);
              }
            }
          }
        });
  }

  /** See {@link org.sparktune.trainer.engine.Engine#cachedAttention}. */
  void cached(
      Tensor q,
      int[] starts,
      Tensor[] keys,
      Tensor[] values,
      int[] lengths,
      AttentionShape shape,
      Tensor out) {
    BlockAttention attention = new BlockAttention(bf16, shape, q, out, null);
    workers.run(
        keys.length * shape.heads(),
        (index, worker) -> {
          int sequence = index / shape.heads();
          int head = index % shape.heads();
          int first = starts[sequence];
          int queries = starts[sequence + 1] - first;
          Tensor k = keys[sequence];
          Tensor v = values[sequence];
          if (queries >= BLOCKED_QUERIES) {
            attention.run(k, v, 0, lengths[sequence], first, queries, head, worker);
            return;
          }
          for (int i = 0; i < queries; i++) {
            int position = lengths[sequence] - queries + i;
            attendRow(q, out, first + i, k, v, position, head, shape, worker);
          }
        });
  }

  private static void attendRow(
      Tensor q,
      Tensor out,
      int row,
      Tensor k,
      Tensor v,
      int position,
      int head,
      AttentionShape shape,
      Worker worker) {
    int size = shape.headSize();
    int first = BlockAttention.firstVisible(position, shape);
    int visible = position + 1 - first;
    int padded = HeadBlocks.padded(visible);
    long scores = worker.scratch((long) padded * Float.BYTES);
    long query = q.rowAddress(row) + (long) head * size * Float.BYTES;
    long target = out.rowAddress(row) + (long) head * size * Float.BYTES;
    long column = (long) (head / (shape.heads() / shape.keyValueHeads())) * size * Float.BYTES;
    DotKernels dots = worker.kernels().dots();
    for (int i = 0; i < padded; i++) {
      float score =
          i < visible
              ? dots.dot(query, k.rowAddress(first + i) + column, size)
              : Float.NEGATIVE_INFINITY;
      Memory.putFloat(scores + (long) i * Float.BYTES, score);
    }
    SoftmaxKernels softmax = worker.kernels().softmax();
    float max = softmax.max(scores, padded) * shape.scale();
    float total = softmax.exponentials(scores, shape.scale(), max, padded);
    Memory.fill(target, (long) size * Float.BYTES, (byte) 0);
    for (int i = 0; i < visible; i++) {
      float weight = Memory.getFloat(scores + (long) i * Float.BYTES) / total;
      dots.addScaled(weight, v.rowAddress(first + i) + column, target, size);
    }
  }

  @Override
  public void close() {
    headGradients.close();
  }
}
