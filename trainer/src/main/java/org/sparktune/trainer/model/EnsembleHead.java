package org.sparktune.trainer.model;

import java.util.Arrays;
import java.util.List;
import org.sparktune.trainer.memory.Tensor;

/**
 * Several heads of one kind over one body: how far their scores are apart says how little a score
 * can be trusted.
 */
final class EnsembleHead implements DocumentHead {
  private final List<DocumentHead> heads;

  /**
   * @param heads at least one, which all read the same rows
   */
  EnsembleHead(List<DocumentHead> heads) {
    this.heads = List.copyOf(heads);
  }

  @Override
  public int count() {
    return heads.size();
  }

  @Override
  public Rows rows(int[] starts, int[] lasts) {
    return heads.get(0).rows(starts, lasts);
  }

  @Override
  public float[] scores(Tensor normed, Rows rows) {
    int documents = rows.starts().length - 1;
    float[] scores = new float[heads.size() * documents];
    for (int i = 0; i < heads.size(); i++) {
      System.arraycopy(heads.get(i).scores(normed, rows), 0, scores, i * documents, documents);
    }
    return scores;
  }

  @Override
  public void gradient(
      Tensor normed, Rows rows, float[] dScores, Tensor dNormed, boolean accumulate) {
    int documents = rows.starts().length - 1;
    for (int i = 0; i < heads.size(); i++) {
      float[] own = Arrays.copyOfRange(dScores, i * documents, (i + 1) * documents);
      heads.get(i).gradient(normed, rows, own, dNormed, accumulate || i > 0);
    }
  }
}
