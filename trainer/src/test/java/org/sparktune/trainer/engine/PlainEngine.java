package org.sparktune.trainer.engine;

import static org.sparktune.trainer.engine.Elements.get;
import static org.sparktune.trainer.engine.Elements.put;

import java.util.List;
import org.sparktune.trainer.collective.ExactSum;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * The engine written as the formulas read: plain loops, sums in double, no threads. Fast kernels
 * are compared with it, and the model's arithmetic is checked on it alone.
 */
public final class PlainEngine implements Engine {
  private final Arena arena = new Arena("plain engine");

  private record PlainWeight(Tensor matrix) implements Weight {
    @Override
    public long out() {
      return matrix.rows();
    }

    @Override
    public long in() {
      return matrix.columns();
    }
  }

  @Override
  public String description() {
    return "plain loops, F32";
  }

  @Override
  public Precision precision() {
    return Precision.F32;
  }

  @Override
  public Tensor allocate(DType type, long... shape) {
    return arena.allocate(type, shape);
  }

  @Override
  public long allocatedBytes() {
    return arena.allocatedBytes();
  }

  @Override
  public Weight freeze(Tensor matrix) {
    Tensor copy = arena.allocate(DType.F32, matrix.rows(), matrix.columns());
    for (long row = 0; row < copy.rows(); row++) {
      for (long column = 0; column < copy.columns(); column++) {
        put(copy, row, column, get(matrix, row, column));
      }
    }
    return new PlainWeight(copy);
  }

  @Override
  public boolean retainsSource() {
    return false;
  }

  @Override
  public Weight track(Tensor matrix) {
    return new PlainWeight(matrix);
  }

  @Override
  public void refresh(Weight tracked) {
    // The matrix itself is used.
  }

  @Override
  public void linear(Tensor x, Weight weight, Tensor bias, Tensor y, boolean accumulate) {
    product(false, x, true, matrix(weight), 1, accumulate ? 1 : 0, y);
    if (bias != null) {
      for (long row = 0; row < y.rows(); row++) {
        for (long column = 0; column < y.columns(); column++) {
          put(y, row, column, get(y, row, column) + bias.getFloat(column));
        }
      }
    }
  }

  @Override
  public void linearInputGradient(Tensor dy, Weight weight, Tensor dx, boolean accumulate) {
    product(false, dy, false, matrix(weight), 1, accumulate ? 1 : 0, dx);
  }

  @Override
  public void linearWeightGradient(Tensor dy, Tensor x, Tensor dWeight, Tensor dBias) {
    product(true, dy, false, x, 1, 1, dWeight);
    if (dBias != null) {
      for (long column = 0; column < dy.columns(); column++) {
        double sum = dBias.getFloat(column);
        for (long row = 0; row < dy.rows(); row++) {
          sum += get(dy, row, column);
        }
        dBias.setFloat(column, (float) sum);
      }
    }
  }

  @Override
  public void product(
      boolean transposeA,
      Tensor a,
      boolean transposeB,
      Tensor b,
      float alpha,
      float beta,
      Tensor c) {
    long inner = transposeA ? a.rows() : a.columns();
    requireSame(inner, transposeB ? b.columns() : b.rows());
    requireSame(c.rows(), transposeA ? a.columns() : a.rows());
    requireSame(c.columns(), transposeB ? b.rows() : b.columns());
    for (long row = 0; row < c.rows(); row++) {
      for (long column = 0; column < c.columns(); column++) {
        double sum = 0;
        for (long k = 0; k < inner; k++) {
          double left = transposeA ? get(a, k, row) : get(a, row, k);
          sum += left * (transposeB ? get(b, column, k) : get(b, k, column));
        }
        double before = beta == 0 ? 0 : beta * get(c, row, column);
        put(c, row, column, alpha * sum + before);
      }
    }
  }

  @Override
  public void embed(Tensor table, int[] ids, Tensor out) {
    for (int n = 0; n < ids.length; n++) {
      for (long column = 0; column < out.columns(); column++) {
        put(out, n, column, get(table, ids[n], column));
      }
    }
  }

  @Override
  public void embedGradient(Tensor dOut, int[] ids, Tensor dTable) {
    for (int n = 0; n < ids.length; n++) {
      for (long column = 0; column < dOut.columns(); column++) {
        put(dTable, ids[n], column, get(dTable, ids[n], column) + get(dOut, n, column));
      }
    }
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, float eps, Tensor out, Tensor inverseRms) {
    for (long row = 0; row < x.rows(); row++) {
      double squares = 0;
      for (long column = 0; column < x.columns(); column++) {
        squares += get(x, row, column) * get(x, row, column);
      }
      double inverse = 1 / Math.sqrt(squares / x.columns() + eps);
      inverseRms.setFloat(row, (float) inverse);
      for (long column = 0; column < x.columns(); column++) {
        put(out, row, column, get(x, row, column) * inverse * weight.getFloat(column));
      }
    }
  }

  @Override
  public void rmsNormGradient(
      Tensor dOut,
      Tensor x,
      Tensor weight,
      Tensor inverseRms,
      Tensor dx,
      boolean accumulate,
      Tensor dWeight) {
    long columns = x.columns();
    for (long row = 0; row < x.rows(); row++) {
      double inverse = inverseRms.getFloat(row);
      double dot = 0;
      for (long column = 0; column < columns; column++) {
        double normalized = get(x, row, column) * inverse;
        double d = get(dOut, row, column);
        dot += d * weight.getFloat(column) * normalized;
        if (dWeight != null) {
          dWeight.setFloat(column, (float) (dWeight.getFloat(column) + d * normalized));
        }
      }
      for (long column = 0; column < columns; column++) {
        double normalized = get(x, row, column) * inverse;
        double d = get(dOut, row, column) * weight.getFloat(column);
        double before = accumulate ? get(dx, row, column) : 0;
        put(dx, row, column, before + inverse * (d - normalized * dot / columns));
      }
    }
  }

  @Override
  public void rope(
      Tensor x, Tensor cos, Tensor sin, int[] positions, int headSize, boolean inverse) {
    int half = headSize / 2;
    for (int n = 0; n < positions.length; n++) {
      for (long head = 0; head < x.columns(); head += headSize) {
        for (int i = 0; i < half; i++) {
          double c = get(cos, positions[n], i);
          double s = inverse ? -get(sin, positions[n], i) : get(sin, positions[n], i);
          double first = get(x, n, head + i);
          double second = get(x, n, head + half + i);
          put(x, n, head + i, first * c - second * s);
          put(x, n, head + half + i, second * c + first * s);
        }
      }
    }
  }

  @Override
  public void attention(
      Tensor q,
      Tensor k,
      Tensor v,
      int[] documentStarts,
      AttentionShape shape,
      Tensor out,
      Tensor logSumExp) {
    for (int document = 0; document + 1 < documentStarts.length; document++) {
      int start = documentStarts[document];
      for (int n = start; n < documentStarts[document + 1]; n++) {
        for (int head = 0; head < shape.heads(); head++) {
          double lse = PlainAttention.attend(q, n, k, v, start, n, head, shape, out);
          if (logSumExp != null) {
            logSumExp.setFloat((long) n * shape.heads() + head, (float) lse);
          }
        }
      }
    }
  }

  @Override
  public void attentionGradient(
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
    zero(dq);
    zero(dk);
    zero(dv);
    int size = shape.headSize();
    for (int document = 0; document + 1 < documentStarts.length; document++) {
      for (int n = documentStarts[document]; n < documentStarts[document + 1]; n++) {
        for (int head = 0; head < shape.heads(); head++) {
          long own = (long) head * size;
          long shared = PlainAttention.keyValueColumn(shape, head);
          double lse = logSumExp.getFloat((long) n * shape.heads() + head);
          double delta = PlainAttention.dot(dOut, n, own, out, n, own, size);
          for (int m = PlainAttention.firstKey(documentStarts[document], n, shape); m <= n; m++) {
            double p =
                Math.exp(PlainAttention.dot(q, n, own, k, m, shared, size) * shape.scale() - lse);
            double ds =
                p * (PlainAttention.dot(dOut, n, own, v, m, shared, size) - delta) * shape.scale();
            for (int i = 0; i < size; i++) {
              put(dv, m, shared + i, get(dv, m, shared + i) + p * get(dOut, n, own + i));
              put(dq, n, own + i, get(dq, n, own + i) + ds * get(k, m, shared + i));
              put(dk, m, shared + i, get(dk, m, shared + i) + ds * get(q, n, own + i));
            }
          }
        }
      }
    }
  }

  @Override
  public void cachedAttention(
      Tensor q,
      int[] starts,
      Tensor[] keys,
      Tensor[] values,
      int[] lengths,
      AttentionShape shape,
      Tensor out) {
    for (int sequence = 0; sequence + 1 < starts.length; sequence++) {
      int firstPosition = lengths[sequence] - (starts[sequence + 1] - starts[sequence]);
      for (int row = starts[sequence]; row < starts[sequence + 1]; row++) {
        int position = firstPosition + row - starts[sequence];
        for (int head = 0; head < shape.heads(); head++) {
          PlainAttention.attend(
              q, row, keys[sequence], values[sequence], 0, position, head, shape, out);
        }
      }
    }
  }

  @Override
  public void swiglu(Tensor gate, Tensor up, Tensor out) {
    for (long row = 0; row < gate.rows(); row++) {
      for (long column = 0; column < gate.columns(); column++) {
        double g = get(gate, row, column);
        put(out, row, column, g * sigmoid(g) * get(up, row, column));
      }
    }
  }

  @Override
  public void swigluGradient(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    for (long row = 0; row < gate.rows(); row++) {
      for (long column = 0; column < gate.columns(); column++) {
        double g = get(gate, row, column);
        double u = get(up, row, column);
        double d = get(dOut, row, column);
        double s = sigmoid(g);
        put(dGate, row, column, d * u * s * (1 + g * (1 - s)));
        put(dUp, row, column, d * g * s);
      }
    }
  }

  @Override
  public void addSquares(Tensor vector, Slices.Range range, ExactSum sum) {
    for (long run = range.from(); run < range.to(); run += Slices.ALIGNMENT) {
      double squares = 0;
      for (long i = run; i < Math.min(range.to(), run + Slices.ALIGNMENT); i++) {
        squares += (double) vector.getFloat(i) * vector.getFloat(i);
      }
      sum.add(squares);
    }
  }

  @Override
  public void adamW(
      AdamWStep step,
      List<Stretch> stretches,
      Tensor parameters,
      Tensor gradients,
      Tensor first,
      Tensor second) {
    for (Stretch stretch : stretches) {
      for (long i = 0; i < stretch.size(); i++) {
        long place = stretch.from() + i;
        long state = stretch.stateFrom() + i;
        float g = gradients.getFloat(place) * step.gradientScale();
        float m = first.getFloat(state) + (g - first.getFloat(state)) * step.firstWeight();
        float v = second.getFloat(state) * step.secondDecay() + g * step.secondWeight() * g;
        float root = (float) Math.sqrt(v) / step.rootCorrection() + step.epsilon();
        float kept = parameters.getFloat(place) * (stretch.decayed() ? step.decayFactor() : 1);
        parameters.setFloat(place, kept + m * step.negativeStep() / root);
        first.setFloat(state, m);
        second.setFloat(state, v);
      }
    }
  }

  @Override
  public void add(Tensor x, Tensor y) {
    for (long row = 0; row < x.rows(); row++) {
      for (long column = 0; column < x.columns(); column++) {
        put(y, row, column, get(y, row, column) + get(x, row, column));
      }
    }
  }

  @Override
  public void logits(Tensor hidden, Weight head, Tensor logits) {
    linear(hidden, head, null, logits, false);
  }

  @Override
  public void tokenLogProbs(
      Tensor hidden, Weight head, int[] targets, Tensor logProbs, Tensor logSumExp) {
    for (int row = 0; row < targets.length; row++) {
      double[] logits = logitsOf(hidden, row, head);
      double lse = logSumExp(logits);
      logSumExp.setFloat(row, (float) lse);
      logProbs.setFloat(row, (float) (logits[targets[row]] - lse));
    }
  }

  @Override
  public void tokenLogProbsGradient(
      Tensor hidden,
      Weight head,
      int[] targets,
      Tensor logSumExp,
      Tensor dLogProbs,
      Tensor dHidden,
      Tensor dHead) {
    Tensor matrix = matrix(head);
    zero(dHidden);
    for (int row = 0; row < targets.length; row++) {
      double[] logits = logitsOf(hidden, row, head);
      for (int token = 0; token < logits.length; token++) {
        double probability = Math.exp(logits[token] - logSumExp.getFloat(row));
        double d = dLogProbs.getFloat(row) * ((token == targets[row] ? 1 : 0) - probability);
        for (long i = 0; i < hidden.columns(); i++) {
          put(dHidden, row, i, get(dHidden, row, i) + d * get(matrix, token, i));
          if (dHead != null) {
            put(dHead, token, i, get(dHead, token, i) + d * get(hidden, row, i));
          }
        }
      }
    }
  }

  @Override
  public void tokenLossAndGradient(
      Tensor hidden,
      Weight head,
      int[] targets,
      Tensor dLogProbs,
      Tensor logProbs,
      Tensor dHidden,
      Tensor dHead) {
    try (Arena scratch = new Arena("log-sum-exp")) {
      Tensor logSumExp = scratch.allocate(DType.F32, targets.length);
      tokenLogProbs(hidden, head, targets, logProbs, logSumExp);
      tokenLogProbsGradient(hidden, head, targets, logSumExp, dLogProbs, dHidden, dHead);
    }
  }

  @Override
  public void close() {
    arena.close();
  }

  private static double[] logitsOf(Tensor hidden, int row, Weight head) {
    Tensor matrix = matrix(head);
    double[] logits = new double[(int) matrix.rows()];
    for (int token = 0; token < logits.length; token++) {
      logits[token] = PlainAttention.dot(hidden, row, 0, matrix, token, 0, (int) matrix.columns());
    }
    return logits;
  }

  private static double logSumExp(double[] values) {
    double max = Double.NEGATIVE_INFINITY;
    for (double value : values) {
      max = Math.max(max, value);
    }
    double sum = 0;
    for (double value : values) {
      sum += Math.exp(value - max);
    }
    return max + Math.log(sum);
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private static Tensor matrix(Weight weight) {
    return ((PlainWeight) weight).matrix();
  }

  private static void requireSame(long expected, long actual) {
    if (expected != actual) {
      throw new IllegalArgumentException(
          "Sizes %d and %d do not match".formatted(expected, actual));
    }
  }
}
