package org.sparktune.trainer.model;

import java.util.Collections;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.AttentionShape;

/**
 * The shape of a decoder.
 *
 * @param architecture the family
 * @param vocabularySize V
 * @param hiddenSize C
 * @param feedForwardSize F
 * @param layers how many blocks
 * @param heads query heads H
 * @param keyValueHeads key/value heads K
 * @param headSize D
 * @param maxPositions the longest document the model was made for
 * @param normEpsilon added to the mean square in every norm
 * @param tiedEmbeddings whether the head is the embedding table
 * @param queryKeyValueBias whether q, k and v have a bias
 * @param outputBias whether the attention's output projection has a bias
 * @param feedForwardBias whether gate, up and down have a bias
 * @param windows per layer, how many latest positions a query sees; {@link Integer#MAX_VALUE} for
 *     all
 * @param ropeTheta the base of the rotary frequencies
 * @param ropeScaling how they are scaled
 */
public record DecoderConfig(
    Architecture architecture,
    int vocabularySize,
    int hiddenSize,
    int feedForwardSize,
    int layers,
    int heads,
    int keyValueHeads,
    int headSize,
    int maxPositions,
    float normEpsilon,
    boolean tiedEmbeddings,
    boolean queryKeyValueBias,
    boolean outputBias,
    boolean feedForwardBias,
    List<Integer> windows,
    double ropeTheta,
    RopeScaling ropeScaling) {

  /** Checks that the sizes fit together. */
  public DecoderConfig {
    windows = List.copyOf(windows);
    require(
        vocabularySize > 0 && hiddenSize > 0 && feedForwardSize > 0 && layers > 0 && heads > 0,
        "vocabulary %d, hidden size %d, feed-forward size %d, %d layers and %d heads must be positive"
            .formatted(vocabularySize, hiddenSize, feedForwardSize, layers, heads));
    require(
        keyValueHeads > 0 && heads % keyValueHeads == 0,
        "%d heads cannot share %d key/value heads".formatted(heads, keyValueHeads));
    require(
        headSize > 0 && headSize % 2 == 0,
        "a head size of %d cannot be rotated in two halves".formatted(headSize));
    require(
        windows.size() == layers,
        "%d attention windows are given for %d layers".formatted(windows.size(), layers));
    require(
        maxPositions > 0 && normEpsilon > 0 && ropeTheta > 0,
        "%d positions, norm epsilon %s and rope theta %s must be positive"
            .formatted(maxPositions, normEpsilon, ropeTheta));
  }

  private static void require(boolean holds, String problem) {
    if (!holds) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The model's configuration is impossible: " + problem + ".",
          "Check config.json, or the metadata of the GGUF file.");
    }
  }

  /** Windows without a limit for every layer. */
  public static List<Integer> noWindows(int layers) {
    return Collections.nCopies(layers, Integer.MAX_VALUE);
  }

  /** Columns of all query heads, H·D. */
  public int queryColumns() {
    return heads * headSize;
  }

  /** Columns of all key heads (or value heads), K·D. */
  public int keyColumns() {
    return keyValueHeads * headSize;
  }

  /** The attention operator of a layer. */
  public AttentionShape attention(int layer) {
    float scale = (float) (1 / Math.sqrt(headSize));
    return new AttentionShape(heads, keyValueHeads, headSize, scale, windows.get(layer));
  }

  /** How many numbers the model has, tied ones counted once. */
  public long parameters() {
    long attention =
        (long) hiddenSize * (queryColumns() + 2L * keyColumns())
            + (long) queryColumns() * hiddenSize;
    long biases =
        (queryKeyValueBias ? queryColumns() + 2L * keyColumns() : 0)
            + (outputBias ? hiddenSize : 0)
            + (feedForwardBias ? 2L * feedForwardSize + hiddenSize : 0);
    long norms = 2L * hiddenSize + (architecture.queryKeyNorm() ? 2L * headSize : 0);
    long layer = attention + 3L * hiddenSize * feedForwardSize + biases + norms;
    long table = (long) vocabularySize * hiddenSize;
    return layers * layer + hiddenSize + (tiedEmbeddings ? table : 2 * table);
  }
}
