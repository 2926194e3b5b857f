package org.sparktune.trainer.dl4j.student;

import java.util.Arrays;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.sparktune.trainer.engine.cpu.vector.SoftmaxKernels;

/**
 * A student's forward pass without DL4J: for a network this small, ND4J takes far longer to start
 * its operations than to compute them. Every document is computed alone and in a fixed order, so
 * that a score has the same bits whatever else is scored, and whoever asks. Safe for use by many
 * threads.
 *
 * <p>L is the number of a document's tokens, d the hidden size. DL4J's own pass is the plain twin;
 * a test compares them.
 */
public final class StudentScorer {
  private final StudentManifest manifest;
  private final int hidden;
  private final float[] tokens;
  private final float[] positions;
  private final float[] query;
  private final float[] key;
  private final float[] value;
  private final float[] output;
  private final float[] gain;
  private final float[] bias;
  private final float[] classes;
  private final float[] classBias;

  /** Takes the parameters as they are now. */
  StudentScorer(ComputationGraph graph, StudentManifest manifest) {
    this.manifest = manifest;
    this.hidden = manifest.hiddenSize();
    this.tokens = rows(graph, StudentGraph.TOKEN, "W");
    this.positions = rows(graph, StudentGraph.POSITION, "W");
    this.query = transposed(rows(graph, StudentGraph.ATTENTION, SelfAttention.QUERY), hidden);
    this.key = transposed(rows(graph, StudentGraph.ATTENTION, SelfAttention.KEY), hidden);
    this.value = transposed(rows(graph, StudentGraph.ATTENTION, SelfAttention.VALUE), hidden);
    this.output = rows(graph, StudentGraph.ATTENTION, SelfAttention.OUTPUT);
    this.gain = rows(graph, StudentGraph.NORM, LayerNorm.GAIN);
    this.bias = rows(graph, StudentGraph.NORM, LayerNorm.BIAS);
    this.classes = rows(graph, StudentGraph.OUTPUT, "W");
    this.classBias = rows(graph, StudentGraph.OUTPUT, "b");
  }

  /** What is known of the student. */
  public StudentManifest manifest() {
    return manifest;
  }

  /**
   * Scores a document.
   *
   * @param ids its tokens, at least one; the last {@code max_tokens} count
   * @return in the teacher's units
   */
  public double score(int[] ids) {
    return manifest.classes().score(probabilities(ids));
  }

  /**
   * A document's distribution.
   *
   * @return {@code (classes)}
   */
  public float[] probabilities(int[] ids) {
    int length = Math.min(ids.length, manifest.maxTokens());
    float[] embedded = embedded(ids, length);
    float[] pooled = pooled(attended(embedded, length), length);
    float[] probabilities = classBias.clone();
    Rows.addProduct(pooled, 0, hidden, classes, probabilities, 0, probabilities.length);
    softmax(probabilities, 1);
    return probabilities;
  }

  /** {@code (L, d)} */
  private float[] embedded(int[] ids, int length) {
    float[] embedded = new float[length * hidden];
    for (int i = 0; i < length; i++) {
      int token = ids[ids.length - length + i] * hidden;
      for (int j = 0; j < hidden; j++) {
        embedded[i * hidden + j] = tokens[token + j] + positions[i * hidden + j];
      }
    }
    return embedded;
  }

  /** What came in, with what attention found added: {@code (L, d)} */
  private float[] attended(float[] embedded, int length) {
    float[] queries = Rows.product(embedded, length, hidden, query, hidden);
    float[] keys = transposed(Rows.product(embedded, length, hidden, key, hidden), hidden);
    float[] values = Rows.product(embedded, length, hidden, value, hidden);
    float[] found = new float[length * hidden];
    float[] weights = new float[length];
    float scale = (float) (1 / Math.sqrt(hidden));
    for (int i = 0; i < length; i++) {
      Arrays.fill(weights, 0);
      Rows.addProduct(queries, i * hidden, hidden, keys, weights, 0, length);
      softmax(weights, scale);
      Rows.addProduct(weights, 0, length, values, found, i * hidden, hidden);
    }
    float[] attended = embedded.clone();
    for (int i = 0; i < length; i++) {
      Rows.addProduct(found, i * hidden, hidden, output, attended, i * hidden, hidden);
    }
    return attended;
  }

  /** The mean of the normalized tokens: {@code (d)} */
  private float[] pooled(float[] attended, int length) {
    float[] pooled = new float[hidden];
    for (int i = 0; i < length; i++) {
      int row = i * hidden;
      float mean = 0;
      for (int j = 0; j < hidden; j++) {
        mean += attended[row + j];
      }
      mean /= hidden;
      float squares = 0;
      for (int j = 0; j < hidden; j++) {
        float distance = attended[row + j] - mean;
        squares += distance * distance;
      }
      float deviation = (float) Math.sqrt(squares / hidden);
      // As libnd4j's standardize: a row of equal values becomes zeros.
      float inverse = deviation > 0 ? 1 / deviation : 0;
      for (int j = 0; j < hidden; j++) {
        pooled[j] += (attended[row + j] - mean) * inverse * gain[j] + bias[j];
      }
    }
    for (int j = 0; j < hidden; j++) {
      pooled[j] /= length;
    }
    return pooled;
  }

  /** The softmax of {@code scale · x}, in its place. */
  private static void softmax(float[] x, float scale) {
    float greatest = x[0];
    for (float each : x) {
      greatest = Math.max(greatest, each);
    }
    float sum = 0;
    for (int i = 0; i < x.length; i++) {
      x[i] = SoftmaxKernels.exponential((x[i] - greatest) * scale);
      sum += x[i];
    }
    float inverse = 1 / sum;
    for (int i = 0; i < x.length; i++) {
      x[i] *= inverse;
    }
  }

  /** A parameter, row after row. */
  private static float[] rows(ComputationGraph graph, String layer, String name) {
    INDArray parameter = graph.getLayer(layer).getParam(name);
    return parameter.dup('c').data().asFloat();
  }

  private static float[] transposed(float[] matrix, int columns) {
    int rows = matrix.length / columns;
    float[] transposed = new float[matrix.length];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        transposed[j * rows + i] = matrix[i * columns + j];
      }
    }
    return transposed;
  }
}
