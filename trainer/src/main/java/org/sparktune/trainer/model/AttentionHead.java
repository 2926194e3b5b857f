package org.sparktune.trainer.model;

import java.util.SplittableRandom;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;
import org.sparktune.trainer.optim.ParameterLayout;

/**
 * A lightweight head that looks at a whole document: one attention head of d_k = C whose query is
 * the last token, a LayerNorm of its own and a linear projection to a score. With h the document's
 * rows and h_L the last of them,
 *
 * <pre>
 *   a = softmax(h·W_kᵀ·W_q·h_L / √C)     o = W_v·Σ aᵢ·hᵢ     score = w·LayerNorm(h_L + o)
 * </pre>
 *
 * Because only one query is asked, keys and values of single tokens are never made: the products
 * with C × C matrices are of D rows, those of all tokens with vectors. w starts at 0, so that all
 * documents score alike at first.
 */
final class AttentionHead implements DocumentHead {
  /** What an adapter's {@code modules_to_save} calls it. */
  static final String MODULE = "attention_score";

  private static final String QUERY = ".query.weight";
  private static final String KEY = ".key.weight";
  private static final String VALUE = ".value.weight";
  private static final String NORM = ".norm.weight";
  private static final String NORM_BIAS = ".norm.bias";
  private static final String PROJECTION = ".score.weight";

  private final Engine engine;
  private final TrainedParameters trained;
  private final String module;
  private final int width;
  private final float scale;

  /**
   * @param trained has the head's parameters
   * @param module what their names begin with
   * @param width C
   */
  AttentionHead(Engine engine, TrainedParameters trained, String module, int width) {
    this.engine = engine;
    this.trained = trained;
    this.module = module;
    this.width = width;
    this.scale = (float) (1 / Math.sqrt(width));
  }

  /** Adds the head's parameters. */
  static void addTo(ParameterLayout layout, Tuning tuning, String module, int width) {
    layout.add(module + QUERY, tuning.decays(false), width, width);
    layout.add(module + KEY, tuning.decays(false), width, width);
    layout.add(module + VALUE, tuning.decays(false), width, width);
    layout.add(module + NORM, tuning.decays(true), width);
    layout.add(module + NORM_BIAS, tuning.decays(true), width);
    layout.add(module + PROJECTION, tuning.decays(false), 1, width);
  }

  /** Gives the parameters their first values. */
  void initialize(EngineLoading loading, long seed) {
    for (String name : new String[] {QUERY, KEY, VALUE}) {
      SplittableRandom random = new SplittableRandom(seed * 31 + (module + name).hashCode());
      loading.fill(
          value(name),
          host -> {
            for (long i = 0; i < host.size(); i++) {
              host.setFloat(i, (float) ((2 * random.nextDouble() - 1) * scale));
            }
          });
    }
    engine.fill(value(NORM), 1);
    engine.fill(value(NORM_BIAS), 0);
    engine.fill(value(PROJECTION), 0);
  }

  @Override
  public Rows rows(int[] starts, int[] lasts) {
    int[] rowStarts = new int[starts.length];
    for (int document = 0; document < lasts.length; document++) {
      rowStarts[document + 1] = rowStarts[document] + lasts[document] - starts[document] + 1;
    }
    int[] positions = new int[rowStarts[lasts.length]];
    for (int document = 0; document < lasts.length; document++) {
      for (int row = rowStarts[document]; row < rowStarts[document + 1]; row++) {
        positions[row] = starts[document] + row - rowStarts[document];
      }
    }
    return new Rows(positions, rowStarts);
  }

  @Override
  public float[] scores(Tensor normed, Rows rows) {
    try (TensorArena arena = engine.arena("attention head")) {
      return new Forward(arena, normed, rows).scores();
    }
  }

  @Override
  public void gradient(
      Tensor normed, Rows rows, float[] dScores, Tensor dNormed, boolean accumulate) {
    try (TensorArena arena = engine.arena("gradient of the attention head")) {
      // Made again rather than kept: it costs little beside the decoder.
      Forward forward = new Forward(arena, normed, rows);
      int documents = dScores.length;
      LayerNorm.Gradient norm =
          forward.norm.gradient(dScores, array(PROJECTION), forward.normWeight);
      Tensor slopes = column(arena, dScores);
      Tensor ones = arena.allocate(DType.F32, documents, 1);
      engine.fill(ones, 1);
      addColumns(slopes, matrix(arena, forward.norm.output()), PROJECTION);
      addColumns(ones, matrix(arena, norm.dWeight()), NORM);
      addColumns(ones, matrix(arena, norm.dBias()), NORM_BIAS);

      Tensor dSum = matrix(arena, norm.dInput());
      engine.product(true, dSum, false, forward.context, 1, 1, gradient(VALUE));
      Tensor dContext = matrix(arena, documents);
      engine.product(false, dSum, false, value(VALUE), 1, 0, dContext);
      Tensor dAsked = matrix(arena, documents);
      for (int document = 0; document < documents; document++) {
        Tensor dRows = forward.documentRows(dNormed, document);
        forward.attentionGradient(arena, document, dContext, dAsked, dRows, accumulate ? 1 : 0);
      }
      Tensor dQuery = matrix(arena, documents);
      engine.product(false, dAsked, true, value(KEY), scale, 0, dQuery);
      engine.product(true, forward.query, false, dAsked, scale, 1, gradient(KEY));
      engine.product(true, dQuery, false, forward.last, 1, 1, gradient(QUERY));
      // h_L is also what the LayerNorm reads: dSum goes on.
      engine.product(false, dQuery, false, value(QUERY), 1, 1, dSum);
      Tensor one = column(arena, new float[] {1});
      for (int document = 0; document < documents; document++) {
        Tensor row = row(dNormed, rows.starts()[document + 1] - 1);
        engine.product(false, one, false, row(dSum, document), 1, 1, row);
      }
    }
  }

  private void addColumns(Tensor factors, Tensor rows, String parameter) {
    Tensor gradient = gradient(parameter);
    engine.product(true, factors, false, rows, 1, 1, gradient.view(0, 1, width));
  }

  private Tensor value(String parameter) {
    return trained.value(module + parameter);
  }

  private Tensor gradient(String parameter) {
    return trained.gradient(module + parameter);
  }

  private float[] array(String parameter) {
    return engine.toArray(value(parameter));
  }

  private Tensor matrix(TensorArena arena, int rows) {
    return arena.allocate(DType.F32, rows, width);
  }

  private Tensor matrix(TensorArena arena, float[] values) {
    Tensor matrix = matrix(arena, values.length / width);
    engine.set(matrix, values);
    return matrix;
  }

  private Tensor column(TensorArena arena, float[] values) {
    Tensor column = arena.allocate(DType.F32, values.length, 1);
    engine.set(column, values);
    return column;
  }

  private Tensor row(Tensor matrix, long row) {
    return matrix.view(row * width, 1, width);
  }

  /** One pass over the documents, with what its gradient needs. */
  private final class Forward {
    private final Tensor normed;
    private final int[] starts;

    /** {@code (D, C)}: each document's last row. */
    private final Tensor last;

    /** {@code (D, C)}. */
    private final Tensor query;

    /** {@code (D, C)}: W_kᵀ·query / √C, what rows are multiplied with. */
    private final Tensor asked;

    /** By document its attention weights. */
    private final float[][] attention;

    /** {@code (D, C)}: the rows' means by them. */
    private final Tensor context;

    private final float[] normWeight = array(NORM);
    private final LayerNorm norm;

    Forward(TensorArena arena, Tensor normed, Rows rows) {
      this.normed = normed;
      this.starts = rows.starts();
      int documents = starts.length - 1;
      this.attention = new float[documents][];
      int[] lasts = new int[documents];
      for (int document = 0; document < documents; document++) {
        lasts[document] = starts[document + 1] - 1;
      }
      Tensor gathered = arena.allocate(normed.type(), documents, width);
      engine.gatherRows(normed, lasts, gathered);
      this.last = gathered;
      this.query = matrix(arena, documents);
      engine.product(false, last, true, value(QUERY), 1, 0, query);
      this.asked = matrix(arena, documents);
      engine.product(false, query, false, value(KEY), scale, 0, asked);
      this.context = matrix(arena, documents);
      for (int document = 0; document < documents; document++) {
        attention[document] = softmax(products(arena, document, row(asked, document)));
        Tensor weights = column(arena, attention[document]);
        engine.product(true, weights, false, rows(document), 1, 0, row(context, document));
      }
      Tensor values = matrix(arena, documents);
      engine.product(false, context, true, value(VALUE), 1, 0, values);
      float[] sum = engine.toArray(values);
      float[] own = engine.toArray(last);
      for (int i = 0; i < sum.length; i++) {
        sum[i] += own[i];
      }
      this.norm = new LayerNorm(sum, normWeight, array(NORM_BIAS));
    }

    float[] scores() {
      float[] weight = array(PROJECTION);
      float[] scores = new float[attention.length];
      for (int document = 0; document < scores.length; document++) {
        double sum = 0;
        for (int i = 0; i < width; i++) {
          sum += (double) norm.output()[document * width + i] * weight[i];
        }
        scores[document] = (float) sum;
      }
      return scores;
    }

    /** Its row of dAsked, and its rows of the gradient, which beta times what they are stays in. */
    void attentionGradient(
        TensorArena arena, int document, Tensor dContext, Tensor dAsked, Tensor dRows, float beta) {
      Tensor dOfContext = row(dContext, document);
      float[] dAttention = products(arena, document, dOfContext);
      float[] weights = attention[document];
      double mean = 0;
      for (int i = 0; i < weights.length; i++) {
        mean += (double) weights[i] * dAttention[i];
      }
      for (int i = 0; i < weights.length; i++) {
        dAttention[i] = (float) (weights[i] * (dAttention[i] - mean));
      }
      Tensor dLogits = column(arena, dAttention);
      engine.product(false, column(arena, weights), false, dOfContext, 1, beta, dRows);
      engine.product(false, dLogits, false, row(asked, document), 1, 1, dRows);
      engine.product(true, dLogits, false, rows(document), 1, 0, row(dAsked, document));
    }

    /** Every row of a document times a vector. */
    private float[] products(TensorArena arena, int document, Tensor vector) {
      Tensor rows = rows(document);
      Tensor products = arena.allocate(DType.F32, rows.rows(), 1);
      engine.product(false, rows, true, vector, 1, 0, products);
      return engine.toArray(products);
    }

    private Tensor rows(int document) {
      return documentRows(normed, document);
    }

    Tensor documentRows(Tensor matrix, int document) {
      int count = starts[document + 1] - starts[document];
      return matrix.view((long) starts[document] * width, count, width);
    }
  }

  private static float[] softmax(float[] logits) {
    double largest = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      largest = Math.max(largest, logit);
    }
    double sum = 0;
    double[] exponentials = new double[logits.length];
    for (int i = 0; i < logits.length; i++) {
      exponentials[i] = StrictMath.exp(logits[i] - largest);
      sum += exponentials[i];
    }
    float[] weights = new float[logits.length];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) (exponentials[i] / sum);
    }
    return weights;
  }
}
